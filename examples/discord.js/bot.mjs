// A bot with discord.js that posts its server count every half hour, and hears
// who voted for it.
//
//   cp ../../clients/aggregator.mjs .
//   npm install discord.js
//   DISCORD_TOKEN=… TOPGG_TOKEN=… VOTES_SECRET=… node bot.mjs
//
// A bot that has a key in bots.yaml sets MYBOT_KEY, and needs no list tokens.

import { createServer } from "node:http";
import process from "node:process";
import { Client, Events, GatewayIntentBits } from "discord.js";
import { Aggregator, AggregatorError, Webhook } from "./aggregator.mjs";

const { BOTLISTS_URL = "http://localhost:8080", MYBOT_KEY, DISCORD_TOKEN, VOTES_SECRET, PORT = 3000 } = process.env;

const tokens = {
  "top.gg": process.env.TOPGG_TOKEN,
  "discord.bots.gg": process.env.DBGG_TOKEN,
};

const client = new Client({ intents: [GatewayIntentBits.Guilds] });
const aggregator = new Aggregator({ url: BOTLISTS_URL, key: MYBOT_KEY });

async function postCount() {
  try {
    const answer = await aggregator.post({ bot_id: client.user.id, server_count: client.guilds.cache.size, tokens });
    console.log("accepted by", Object.keys(answer.success).join(", ") || "no list");
    for (const [list, [status, text]] of Object.entries(answer.failure)) console.warn(`${list} said ${status} ${text}`);
    for (const [list, why] of Object.entries(answer.skipped ?? {})) console.log(`${list} was not asked: ${why}`);
  } catch (error) {
    if (!(error instanceof AggregatorError)) throw error;
    console.warn(`not posted: ${error.message}`); // the next one makes up for it
  }
}

const webhook = new Webhook(VOTES_SECRET); // send_to.secret of bots.yaml; send_to.url is http://…:3000/votes

function voted({ id, again, type, data }) {
  // A vote may come again, after a restart too: keep its id in your database,
  // with what the vote has earned. Whatever is thrown here, it comes again.
  if (again || type !== "vote.created") return;
  console.log(`${data.user_id} voted on ${data.list}, ${id}`);
}

client.once(Events.ClientReady, () => {
  postCount();
  setInterval(postCount, 30 * 60_000);
  const server = createServer(webhook.nodeHandler(voted));
  server.listen(PORT, () => console.log(`listening on port ${server.address().port}`));
});
client.login(DISCORD_TOKEN);
