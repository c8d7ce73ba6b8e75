// Makes calls with the client, and prints what became of each as a line of JSON.
import process from "node:process";
import { inspect } from "node:util";
import { Aggregator, AggregatorError } from "./aggregator.mjs";

const [url, key, calls] = process.argv.slice(2);

const make = {
  post: (aggregator, { dry_run: dryRun, ...count }) => aggregator.post(count, { dryRun }),
  shards: (aggregator, { dry_run: dryRun, ...report }) => aggregator.shards(report, { dryRun }),
  voted: (aggregator, { bot_id, user_id, tokens }) => aggregator.voted(bot_id, user_id, tokens),
  bot: (aggregator, { bot_id, tokens }) => aggregator.bot(bot_id, tokens),
};

for (const { call, url: other = url, timeout = 60, ...fields } of JSON.parse(calls)) {
  const aggregator = new Aggregator({ url: other, key, timeout: timeout * 1000 });
  const line = { shown: inspect(aggregator, { depth: 9, showHidden: true }) + String(aggregator) };
  // What is not in the environment is undefined here.
  for (const id in fields.tokens) fields.tokens[id] ??= undefined;
  try {
    line.answer = await make[call](aggregator, fields);
  } catch (error) {
    if (!(error instanceof AggregatorError)) throw error;
    line.error = { status: error.status, message: error.message, retry_after: error.retryAfter, shown: inspect(error) };
  }
  console.log(JSON.stringify(line));
}
