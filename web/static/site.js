// What makes the pages quicker to use. Each of them can be read without it.
"use strict";

// Buttons that copy the code beside them.
for (const button of document.querySelectorAll(".copy")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// The index of lists: search as one types, and filters that take effect at once.
// All of it is in the URL, so that it can be shared and the way back works.
const filter = document.getElementById("filter");
if (filter) {
  const found = document.getElementById("found");
  const address = () => {
    const params = new URLSearchParams();
    for (const [name, value] of new FormData(filter)) {
      if (value !== "" && !(name === "sort" && value === "name")) params.append(name, value);
    }
    const query = params.toString();
    return location.pathname + (query ? "?" + query : "");
  };
  let wanted = 0, shown = location.search;
  const show = async (url) => {
    const mine = ++wanted;
    const answer = await fetch(url, {headers: {Accept: "text/html"}});
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== wanted || !answer.ok) return;
    for (const id of ["cards", "none"]) {
      document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
    }
    found.textContent = page.getElementById("found").textContent;
  };
  const change = (remember) => {
    const url = address();
    remember.call(history, null, "", url);
    shown = location.search;
    show(url).catch(() => filter.submit());
  };
  let typing;
  filter.addEventListener("input", (event) => {
    if (event.target.name !== "q") return;
    clearTimeout(typing);
    typing = setTimeout(() => change(history.replaceState), 120);
  });
  filter.addEventListener("change", (event) => {
    if (event.target.name !== "q") change(history.pushState);
  });
  filter.addEventListener("submit", (event) => {
    event.preventDefault();
    change(history.pushState);
  });
  addEventListener("popstate", () => { // also where a link leads to a part of the page
    if (location.search !== shown) location.reload();
  });
}

// The operator's own bot. The key stays in memory, or in this tab's storage where
// that is wished for; it is sent in a header alone.
const own = document.getElementById("own");
if (own) {
  const byID = (id) => document.getElementById("own-" + id);
  const store = "own-bot";
  let bot = null; // {id, key}
  let older = null;

  const make = (name, ...inside) => {
    const e = document.createElement(name);
    e.append(...inside.filter((i) => i !== null && i !== undefined));
    return e;
  };
  const span = (seconds) => {
    const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
    const [name, size] = units.find(([, size]) => Math.abs(seconds) >= size) || units[3];
    return new Intl.RelativeTimeFormat("en", {numeric: "auto"}).format(Math.trunc(seconds / size), name);
  };
  const when = (time) => {
    if (!time) return "–";
    const e = make("time", span((new Date(time) - Date.now()) / 1000));
    e.dateTime = e.title = time;
    return e;
  };
  const number = (n) => n === null ? "–" : n.toLocaleString("en");
  const listLink = (id) => {
    if (id === "test") return id;
    const a = make("a", make("bdi", id));
    a.href = own.dataset.lists + encodeURIComponent(id);
    return a;
  };
  const cells = (...all) => make("tr", ...all.map((one) => make("td", one)));
  const rows = (section, all) => byID(section).querySelector("tbody").append(...all);
  const clear = () => {
    for (const section of ["posts", "dead", "votes"]) {
      byID(section).hidden = true;
      byID(section).querySelector("tbody").replaceChildren();
    }
  };
  const say = (text) => { byID("said").textContent = text; };

  const states = {
    ok: "accepted", failing: "failing", refused: "token refused", revoked: "token revoked", paced: "waits for the list's pace",
    resting: "token rests", never: "not posted yet", skipped: "not asked", pending: "on its way", delivered: "delivered", dead: "not delivered",
  };
  const state = (name) => {
    const e = make("span", states[name] || name);
    e.className = {ok: "tag good", delivered: "tag good", failing: "tag warn", refused: "tag bad", revoked: "tag bad", resting: "tag bad", dead: "tag bad"}[name] || "tag";
    return e;
  };

  // ask sends a request to the API with the bot's key. It returns null where the
  // service has no such route, and throws what people are to read.
  const ask = async (path, body) => {
    const answer = await fetch(own.dataset.api + bot.id + path, {
      method: body ? "POST" : "GET", body: body && JSON.stringify(body), cache: "no-store", credentials: "omit",
      headers: {Authorization: "Bearer " + bot.key},
    });
    if (answer.status === 404) return null;
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.message || "The service answered " + answer.status);
    return said;
  };

  const showPosts = (posts) => {
    const count = posts.count;
    const all = [posts.name ? make("bdi", posts.name) : "The bot"];
    if (count.server_count === null) all.push(" has no count yet");
    else all.push(` is on ${number(count.server_count)} servers`);
    if (count.at) all.push(", as of ", when(count.at));
    if (count.from) all.push(`. The count comes from: ${count.from}`);
    if (posts.next_at) all.push("; it is looked for again ", when(posts.next_at));
    byID("count").replaceChildren(...all, count.error ? `. That fails: ${count.error}` : ".");
    rows("posts", Object.entries(posts.lists).map(([id, l]) => cells(
      listLink(id), make("span", state(l.state), l.why ? " " : "", l.why ? make("bdi", l.why) : null), number(l.server_count), when(l.last && l.last.at),
      l.last ? make("span", l.last.status < 0 ? "no answer " : l.last.status + " ", make("bdi", l.last.text)) : "–", when(l.next_at))));
    byID("posts").hidden = false;
  };

  const vote = (d, ...more) => cells(when(d.created_at), listLink(d.list), make("bdi", d.user_id || "–"), d.test ? "test" : d.type.replace("vote.", ""),
    state(d.state), String(d.attempts), make("span", d.last_status > 0 ? d.last_status + " " : "", make("bdi", d.last_reason || "")), ...more);

  const again = async (body) => {
    try {
      const said = await ask("/deliveries/retry", body);
      await show();
      say(`${said ? said.retried : 0} to be sent again.`);
    } catch (error) {
      say(error.message);
    }
  };

  const showVotes = async () => {
    const dead = await ask("/deliveries?state=dead");
    if (!dead) return;
    rows("dead", dead.deliveries.map((d) => {
      const button = make("button", "Send again");
      button.type = "button";
      button.className = "plain";
      button.addEventListener("click", () => again({ids: [d.id]}));
      return vote(d, button);
    }));
    byID("dead").hidden = dead.deliveries.length === 0;
    await showMore("");
  };
  const showMore = async (after) => {
    const page = await ask("/deliveries" + after);
    rows("votes", page.deliveries.map((d) => vote(d)));
    byID("votes").hidden = page.deliveries.length === 0;
    older = page.next;
    byID("older").hidden = !older;
  };

  const show = async () => {
    clear();
    say("Asking …");
    const posts = await ask("/posts");
    if (!posts) throw new Error("This service has no bots of its own.");
    showPosts(posts);
    await showVotes();
    say("As of " + new Date().toLocaleTimeString() + ".");
  };
  const begin = async () => {
    byID("forget").hidden = false;
    try {
      await show();
    } catch (error) {
      clear();
      say(error.message);
    }
  };

  own.addEventListener("submit", (event) => {
    event.preventDefault();
    bot = {id: byID("id").value.trim(), key: byID("key").value.trim()};
    if (byID("keep").checked) sessionStorage.setItem(store, JSON.stringify(bot));
    else sessionStorage.removeItem(store);
    begin();
  });
  byID("forget").addEventListener("click", () => {
    bot = null;
    sessionStorage.removeItem(store);
    own.reset();
    clear();
    byID("forget").hidden = true;
    say("The key is forgotten.");
    byID("id").focus();
  });
  byID("retry").addEventListener("click", () => again({state: "dead"}));
  byID("older").addEventListener("click", () => showMore("?after=" + encodeURIComponent(older)).catch((error) => say(error.message)));
  const kept = sessionStorage.getItem(store);
  if (kept) {
    bot = JSON.parse(kept);
    byID("id").value = bot.id;
    byID("key").value = bot.key;
    byID("keep").checked = true;
    begin();
  }
}

// A dry run of a post, in the reference of the API. What it answers is shown as
// text: for each list what it would be sent, and why others would not be asked.
const dryrun = document.getElementById("dryrun");
if (dryrun) {
  const dried = document.getElementById("dried");
  const say = (text) => {
    const code = document.createElement("code");
    code.textContent = text;
    const pre = document.createElement("pre");
    pre.tabIndex = 0;
    pre.append(code);
    dried.replaceChildren(pre);
  };
  dryrun.addEventListener("submit", async (event) => {
    event.preventDefault();
    dryrun.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(dryrun.action + "?dry_run=1", {method: "POST", body: document.getElementById("post").value});
      say(answer.status + "\n" + JSON.stringify(await answer.json(), null, 2));
    } catch {
      say("There was no answer.");
    }
    dryrun.removeAttribute("aria-busy");
  });
}
