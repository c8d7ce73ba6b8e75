// Stands for discord.js, as far as the documentation and the examples use it: a client
// that the ShardingManager has given the shards of STAND_IN_SHARDS. Shard n is in n+1
// servers.
const { EventEmitter } = require("node:events");

const ids = process.env.STAND_IN_SHARDS.split(",").map(Number);

class Client extends EventEmitter {
  user = { id: "123456789012345678" };
  shard = { ids, count: 4 };
  guilds = { cache: new Map(ids.flatMap((shardId) => Array.from({ length: shardId + 1 }, (_, n) => [`${shardId}-${n}`, { shardId }]))) };

  async login(token) {
    if (!token) throw new Error("no token");
    setImmediate(() => this.emit("clientReady", this));
    return token;
  }
}

// What repeats keeps no process alive here.
const { setInterval } = globalThis;
globalThis.setInterval = (...args) => setInterval(...args).unref();

exports.Client = Client;
exports.Events = { ClientReady: "clientReady" };
exports.GatewayIntentBits = { Guilds: 1 };
