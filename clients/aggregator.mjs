// A client of the bot list aggregator, in one file without dependencies, for
// Node 18 or newer and Deno. Copy it beside your bot.
//
//   import { Aggregator, Webhook } from "./aggregator.mjs";
//
//   const aggregator = new Aggregator({ url: "http://localhost:8080", key: process.env.AGGREGATOR_KEY });
//   const answer = await aggregator.post({ bot_id: client.user.id, server_count: client.guilds.cache.size });
//
// Fields and answers have the names of the API; /docs of your instance is its
// reference.

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Tokens by the id of the list that gave them. A list that numbers bots itself
 * wants its number too, as "42:token" or {token, bot_id}.
 * @typedef {Record<string, string | null | undefined | {token: string, bot_id: string}>} Tokens
 */

/**
 * @typedef {object} Count
 * @property {string} bot_id
 * @property {number} server_count
 * @property {number | null} [shard_id]
 * @property {number | null} [shard_count]
 * @property {number[] | null} [shards] the server count of each shard
 * @property {number | null} [user_count]
 * @property {number | null} [voice_connections]
 * @property {Tokens} [tokens] not needed where the key's bot has them in bots.yaml
 */

/**
 * What some of the shards know: shards, or shard_id and server_count of one.
 * @typedef {object} ShardReport
 * @property {string} bot_id
 * @property {number} shard_count how many shards there are in all
 * @property {Record<string, number>} [shards] the server count of each shard that you know
 * @property {number} [shard_id]
 * @property {number} [server_count]
 * @property {number | null} [user_count]
 * @property {number | null} [voice_connections]
 * @property {Tokens} [tokens]
 */

/**
 * What lists said, by their ids: status (-1 where there was no answer), text,
 * and what was sent to them. skipped says why a list was not asked, why what was
 * wrong with an answer of good status. Both are absent when there is nothing to
 * say.
 * @typedef {object} CountAnswer
 * @property {Record<string, [number, string, string]>} success
 * @property {Record<string, [number, string, string]>} failure
 * @property {Record<string, string>} [skipped]
 * @property {Record<string, string>} [why]
 * @property {string} [hint]
 */

/**
 * The set of shards after a report. success and failure are there when this
 * report posted the total.
 * @typedef {object} ShardAnswer
 * @property {number} known
 * @property {number} of
 * @property {number[]} missing
 * @property {number | null} server_count
 * @property {boolean} posted
 * @property {string | null} next_post_at
 * @property {Record<string, [number, string, string]>} [success]
 * @property {Record<string, [number, string, string]>} [failure]
 * @property {Record<string, string>} [skipped]
 * @property {Record<string, string>} [why]
 */

/**
 * @typedef {object} VotedAnswer
 * @property {string} bot_id
 * @property {string} user_id
 * @property {boolean} voted whether at least one list says yes
 * @property {Record<string, {voted: boolean, voted_at?: string, until?: string, weight?: number, from?: string}>} lists
 * @property {Record<string, [number, string]>} failure
 * @property {Record<string, string>} skipped
 */

/**
 * A vote, as a handler gets it. id is the same at each attempt to deliver it.
 * @typedef {object} Vote
 * @property {string} id
 * @property {boolean} again whether this process has handled the id before
 * @property {"vote.created" | "vote.removed"} type
 * @property {string} timestamp
 * @property {{list: string, bot_id: string, user_id: string, voted_at: string | null, until: string | null, weekend: boolean | null, weight: number, test: boolean, raw: unknown}} data
 */

const AGENT = "aggregator-client/1 (JavaScript)";
const WHOLE_SECONDS = /^\d{1,9}$/;

/** Why the service did not do what was asked. */
export class AggregatorError extends Error {
  /**
   * @param {string} message
   * @param {{status?: number, retryAfter?: number | null}} [about]
   */
  constructor(message, { status = 0, retryAfter = null } = {}) {
    super(message);
    this.name = "AggregatorError";
    /** The HTTP status; 0 when there was no answer. */
    this.status = status;
    /** After how many seconds to come again; null where the service did not say. */
    this.retryAfter = retryAfter;
  }
}

/** An instance of the service. */
export class Aggregator {
  #base;
  #headers;
  #timeout;

  /**
   * @param {object} options
   * @param {string} options.url where the service is, such as https://aggregator.example
   * @param {string} [options.key] the bot's key, if it has one in bots.yaml
   * @param {number} [options.timeout] how long a call may take in all, in milliseconds; 30,000 when absent
   * @param {string} [options.userAgent] what lists are told of you
   */
  constructor({ url, key, timeout = 30_000, userAgent = AGENT }) {
    this.#base = checkURL(url);
    this.#timeout = timeout;
    this.#headers = { "Content-Type": "application/json", "User-Agent": userAgent };
    if (key !== undefined && key !== null) {
      if (!/^[!-~]+$/.test(key)) throw new TypeError("the key is empty, or holds what cannot stand in a header");
      this.#headers.Authorization = `Bearer ${key}`;
    }
  }

  /**
   * Posts a server count to every list that has a token.
   * @param {Count} count
   * @param {{dryRun?: boolean}} [options] dryRun sends nothing, and returns what would be sent
   * @returns {Promise<CountAnswer>}
   */
  async post(count, { dryRun = false } = {}) {
    return this.#ask("POST", "/api/count" + (dryRun ? "?dry_run=1" : ""), count);
  }

  /**
   * Reports the shards that this process has. The service adds up, and posts the
   * total once it knows all.
   * @param {ShardReport} report
   * @param {{dryRun?: boolean}} [options]
   * @returns {Promise<ShardAnswer>}
   */
  async shards(report, { dryRun = false } = {}) {
    return this.#ask("POST", "/api/shards" + (dryRun ? "?dry_run=1" : ""), report);
  }

  /**
   * Asks all lists at once whether a user has voted.
   * @param {string} botID
   * @param {string} userID
   * @param {Tokens} [tokens] not needed where the key's bot has them in bots.yaml
   * @returns {Promise<VotedAnswer>}
   */
  async voted(botID, userID, tokens = {}) {
    return this.#ask("POST", `/api/bots/${segment(botID)}/votes/${segment(userID)}`, { tokens });
  }

  /**
   * Reads what lists know of a bot. With tokens the lists that want one are asked
   * too. Numbers within list_data that JavaScript cannot hold lose digits.
   * @param {string} botID
   * @param {Tokens} [tokens]
   * @returns {Promise<Record<string, any>>}
   */
  async bot(botID, tokens) {
    const path = `/api/bots/${segment(botID)}`;
    return tokens === undefined ? this.#ask("GET", path) : this.#ask("POST", path + "/lookup", { tokens });
  }

  // A busy service has done nothing, and says when to come again: then the
  // request is sent once more. What ended in any other way may have reached
  // lists, and is not.
  async #ask(method, path, fields) {
    // A token that is undefined is sent as null, so that the answer names its list.
    const body = fields && JSON.stringify(fields, (_, value) => (value === undefined ? null : value));
    const deadline = Date.now() + this.#timeout;
    try {
      return await this.#once(method, path, body, deadline);
    } catch (error) {
      if (error.status !== 503 || error.retryAfter === null) throw error;
      if (Date.now() + error.retryAfter * 1000 >= deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
      return this.#once(method, path, body, deadline);
    }
  }

  async #once(method, path, body, deadline) {
    let response, text;
    try {
      const signal = AbortSignal.timeout(Math.max(deadline - Date.now(), 1));
      response = await fetch(this.#base + path, { method, body, headers: this.#headers, redirect: "manual", signal });
      text = await response.text();
    } catch (error) {
      if (error.name === "TimeoutError") throw new AggregatorError(`No answer from ${this.#base} within ${this.#timeout / 1000} s`);
      throw new AggregatorError(`No answer from ${this.#base}: ${error.cause?.code ?? error.cause?.message ?? error.message}`);
    }
    const answer = parseObject(text);
    if (response.status === 200 && answer !== null) return answer;
    throw refusal(this.#base, response, answer ?? {});
  }
}

/** Returns a URL without a slash at its end, in which no secret may stand. */
function checkURL(url) {
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError("url is no URL; want one such as http://localhost:8080");
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") throw new TypeError("url must begin with http:// or https://");
  if (parsed.username || parsed.password || parsed.search || parsed.hash) throw new TypeError("url must be without user, password, query and fragment");
  return parsed.origin + parsed.pathname.replace(/\/+$/, "");
}

/** Returns an id as a part of a path. */
function segment(id) {
  if (typeof id !== "string") throw new TypeError("an id must be a string: a number of JavaScript loses digits of it");
  return encodeURIComponent(id);
}

/** Returns the object that a text is in JSON, or null. */
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Returns the error that an answer stands for. */
function refusal(base, response, answer) {
  const header = response.headers.get("Retry-After") ?? "";
  const retryAfter = Number.isFinite(answer.retry_after) ? answer.retry_after : WHOLE_SECONDS.test(header) ? Number(header) : null;
  let message = answer.message;
  if (typeof message !== "string") {
    const to = response.headers.get("Location");
    message = `${base} answered ${response.status}, ` + (to === null ? "and not as the service does" : `which leads to ${to.replace(/[?#].*$/s, "")}`) + ": check the url";
  }
  return new AggregatorError(message, { status: response.status, retryAfter });
}

/** Why a webhook was not taken. */
export class WebhookError extends Error {
  /**
   * @param {number} status what to answer with
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.name = "WebhookError";
    this.status = status;
  }
}

const MAX_SEEN = 10_000;

/** Takes votes, which the service signs as Standard Webhooks says. */
export class Webhook {
  #keys;
  #maxBody;
  #onError;
  #seen = new Map(); // id -> whether it was handled, or is being handled

  /**
   * @param {string | string[]} secrets send_to.secret of bots.yaml; several while you change it
   * @param {object} [options]
   * @param {number} [options.maxBody] the largest body that is taken, in bytes; 1 MiB when absent
   * @param {(error: unknown) => void} [options.onError] hears why a handler failed; console.error when absent
   */
  constructor(secrets, { maxBody = 1 << 20, onError = console.error } = {}) {
    this.#keys = [secrets].flat().map(signingKey);
    if (this.#keys.length === 0) throw new TypeError("a webhook needs a secret");
    this.#maxBody = maxBody;
    this.#onError = onError;
  }

  /**
   * Returns the vote of a request, if its signature is of one of the secrets and
   * not older than five minutes. Throws a WebhookError otherwise.
   * @param {Headers | Record<string, string | string[] | undefined>} headers with names in lower case, as Node has them
   * @param {Uint8Array | string} body as it came: JSON that was parsed and written anew has another signature
   * @returns {Omit<Vote, "again">}
   */
  verify(headers, body) {
    if (typeof body !== "string" && !(body instanceof Uint8Array)) throw new TypeError("the body must be the bytes as they came");
    const [id, at, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => {
      const value = typeof headers.get === "function" ? headers.get(name) : headers[name];
      if (!value) throw new WebhookError(401, `header ${name} is missing`);
      return String(value);
    });
    if (!/^\d{1,12}$/.test(at)) throw new WebhookError(401, "header webhook-timestamp is no Unix time");
    const wanted = this.#keys.map((key) => Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest("base64")));
    const signed = signatures.split(" ").some((given) => wanted.some((want) => same(Buffer.from(given), want)));
    if (!signed) throw new WebhookError(401, "no signature is of this secret and body");
    if (Math.abs(Date.now() / 1000 - Number(at)) > 300) throw new WebhookError(401, "the signature is good, but over five minutes off this clock");
    const vote = parseObject(Buffer.from(body).toString("utf8"));
    if (vote === null) throw new WebhookError(400, "the body is no JSON object");
    return { ...vote, id };
  }

  /**
   * Answers a request, read whole, of any HTTP server. handle gets the vote, and
   * the service hears 204 once it has returned; it sends the vote again otherwise.
   * @param {string} method
   * @param {Headers | Record<string, string | string[] | undefined>} headers
   * @param {Uint8Array | string} body
   * @param {(vote: Vote) => unknown} handle
   * @returns {Promise<{status: number, text: string}>}
   */
  async answer(method, headers, body, handle) {
    if (method !== "POST") return { status: 405, text: "want POST" };
    if (Buffer.byteLength(body) > this.#maxBody) return { status: 413, text: "the body is too large" };
    let vote;
    try {
      vote = this.verify(headers, body);
    } catch (error) {
      if (error instanceof WebhookError) return { status: error.status, text: error.message };
      throw error;
    }
    const handled = this.#seen.get(vote.id);
    if (handled === false) return { status: 503, text: "the vote is being handled" };
    this.#seen.set(vote.id, false);
    try {
      await handle({ ...vote, again: handled === true });
      this.#seen.set(vote.id, true);
    } catch (error) {
      if (handled) this.#seen.set(vote.id, true);
      else this.#seen.delete(vote.id);
      this.#onError(error);
      return { status: 500, text: "the vote was not handled" };
    }
    if (this.#seen.size > MAX_SEEN) {
      for (const [id, done] of this.#seen) if (done && this.#seen.delete(id)) break;
    }
    return { status: 204, text: "" };
  }

  /**
   * Returns a listener for http.createServer of Node, which Express takes too, in
   * front of express.json().
   * @param {(vote: Vote) => unknown} handle
   */
  nodeHandler(handle) {
    return async (request, response) => {
      let answer;
      try {
        answer = await this.answer(request.method, request.headers, await this.#bodyOfNode(request), handle);
      } catch (error) {
        if (!request.complete) return request.destroy(); // who called has gone
        this.#onError(error);
        answer = { status: 500, text: "the request was not handled" };
      }
      response.writeHead(answer.status, headersOf(answer.status)).end(answer.text);
    };
  }

  /**
   * Returns a handler of requests as fetch has them: Deno.serve(webhook.fetchHandler(handle)).
   * @param {(vote: Vote) => unknown} handle
   * @returns {(request: Request) => Promise<Response>}
   */
  fetchHandler(handle) {
    return async (request) => {
      const body = await gather(request.body ?? [], this.#maxBody);
      const answer = await this.answer(request.method, request.headers, body, handle);
      return new Response(answer.text || null, { status: answer.status, headers: headersOf(answer.status) });
    };
  }

  #bodyOfNode(request) {
    if (request.body instanceof Uint8Array) return request.body; // of express.raw()
    if (request.readableEnded) throw new Error("the body was read before: the webhook must come before what parses bodies");
    return gather(request, this.#maxBody);
  }
}

/** Returns the bytes of chunks, or max + 1 bytes where there are more than max. */
async function gather(chunks, max) {
  const all = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size <= max) all.push(chunk); // what is beyond is read, but not kept
  }
  return size <= max ? Buffer.concat(all) : Buffer.alloc(max + 1);
}

/**
 * Returns the headers of an answer to a webhook.
 * @returns {Record<string, string>}
 */
function headersOf(status) {
  if (status === 204) return {};
  return { "Content-Type": "text/plain", ...(status === 405 && { Allow: "POST" }) };
}

/** Returns the bytes that a secret stands for. */
function signingKey(secret) {
  if (typeof secret !== "string" || secret === "" || secret === "whsec_") throw new TypeError("the webhook's secret is empty");
  if (!secret.startsWith("whsec_")) return Buffer.from(secret);
  const key = Buffer.from(secret.slice(6), "base64");
  if (key.toString("base64") !== secret.slice(6)) throw new TypeError("the webhook's secret begins with whsec_ and is no base64");
  return key;
}

/** Reports whether two texts are the same, in a time that does not tell where they differ. */
function same(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}
