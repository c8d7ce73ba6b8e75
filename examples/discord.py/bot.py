"""A bot with discord.py that posts its server count every half hour, and hears
who voted for it.

    cp ../../clients/aggregator.py .
    pip install discord.py
    DISCORD_TOKEN=… TOPGG_TOKEN=… VOTES_SECRET=… python3 bot.py

A bot that has a key in bots.yaml sets MYBOT_KEY, and needs no list tokens.
"""

import asyncio
import os
import threading
from http.server import ThreadingHTTPServer

import discord
from discord.ext import commands, tasks

from aggregator import Aggregator, AggregatorError, Webhook

TOKENS = {
    "top.gg": os.environ.get("TOPGG_TOKEN"),
    "discord.bots.gg": os.environ.get("DBGG_TOKEN"),
}

bot = commands.Bot(command_prefix="!", intents=discord.Intents(guilds=True))
aggregator = Aggregator(os.environ.get("BOTLISTS_URL", "http://localhost:8080"), key=os.environ.get("MYBOT_KEY"))
webhook = Webhook(os.environ["VOTES_SECRET"])  # send_to.secret of bots.yaml; send_to.url is http://…:3000/votes


@tasks.loop(minutes=30)
async def post_count():
    try:
        answer = await asyncio.to_thread(aggregator.post, bot.user.id, len(bot.guilds), TOKENS)
    except AggregatorError as error:
        print("not posted:", error, flush=True)  # the next one makes up for it
        return
    print("accepted by", ", ".join(answer["success"]) or "no list", flush=True)
    for name, (status, text, _) in answer["failure"].items():
        print(f"{name} said {status} {text}", flush=True)
    for name, why in answer.get("skipped", {}).items():
        print(f"{name} was not asked: {why}", flush=True)


@post_count.before_loop
async def ready():
    await bot.wait_until_ready()


async def reward(vote):
    # A vote may come again, after a restart too: keep its id in your database, with
    # what the vote has earned. Whatever is raised here, it comes again.
    if vote["again"] or vote["type"] != "vote.created":
        return
    print(f"{vote['data']['user_id']} voted on {vote['data']['list']}, {vote['id']}", flush=True)


def voted(vote):
    """Runs in a thread of the server, and waits for what runs in that of the bot."""
    asyncio.run_coroutine_threadsafe(reward(vote), bot.loop).result(timeout=8)


@bot.event
async def setup_hook():
    post_count.start()
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", 3000))), webhook.handler(voted))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening on port", server.server_port, flush=True)


bot.run(os.environ["DISCORD_TOKEN"])
