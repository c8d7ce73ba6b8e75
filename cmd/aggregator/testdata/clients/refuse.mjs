// Prints why clients are not made, or do not ask.
import { Aggregator, Webhook } from "./aggregator.mjs";

const url = "http://localhost:8080";
for (const make of [
  () => new Aggregator({ url: "s3cret" }),
  () => new Aggregator({ url: "ftp://s3cret" }),
  () => new Aggregator({ url: "http://user:s3cret@localhost" }),
  () => new Aggregator({ url: "http://localhost/?key=s3cret" }),
  () => new Aggregator({ url, key: "" }),
  () => new Aggregator({ url, key: "s3cret\n" }),
  () => new Webhook(""),
  () => new Webhook([]),
  () => new Webhook(undefined),
  () => new Webhook(["s3cret", "whsec_"]),
  () => new Webhook("whsec_s3cret"),
]) {
  try {
    make();
    console.log("nothing");
  } catch (error) {
    console.log(error.message);
  }
}
for (const id of [123456789012345678, undefined]) await new Aggregator({ url }).bot(id).catch((error) => console.log(error.message));
