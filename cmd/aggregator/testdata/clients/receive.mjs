// Takes votes with the client, in the way of MODE, and prints a line for each.
import process from "node:process";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { inspect } from "node:util";
import { Webhook } from "./aggregator.mjs";

const webhook = new Webhook(JSON.parse(process.env.SECRETS), { maxBody: 1000, onError: (error) => console.log(error.message) });
let failed = false;
let release;

async function handle({ id, again, type, data }) {
  console.log(`${type} ${id}${again ? " again" : ""}`);
  if (data.user_id === "fails once" && !failed) {
    failed = true;
    throw new Error("failed as it was told to");
  }
  if (data.user_id === "waits") await new Promise((resolve) => (release = resolve));
  if (data.user_id === "releases") release();
}

const fetchHandler = webhook.fetchHandler(handle);
const modes = {
  node: webhook.nodeHandler(handle),
  async fetch(request, response) {
    const body = request.method === "POST" ? new ReadableStream({ start: (to) => void request.on("data", (chunk) => to.enqueue(chunk)).on("end", () => to.close()) }) : undefined;
    const answer = await fetchHandler(new Request("http://localhost/votes", { method: request.method, headers: request.headers, body, duplex: "half" }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  },
  async parsed(request, response) {
    let text = "";
    for await (const chunk of request) text += chunk;
    request.body = JSON.parse(text);
    return modes.node(request, response);
  },
  async raw(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    request.body = Buffer.concat(chunks);
    return modes.node(request, response);
  },
};
const server = createServer(modes[process.env.MODE]);
server.listen(0, "127.0.0.1", () => console.log(`listening on port ${server.address().port}\n${inspect(webhook, { depth: 9, showHidden: true })}`));
