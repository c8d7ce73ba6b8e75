"""A bot that has the shards of STAND_IN_SHARDS. Shard n is in n+1 servers."""

import asyncio
import os
from types import SimpleNamespace


class Bot:
    def __init__(self, command_prefix, *, intents):
        if not intents.guilds:
            raise ValueError("no guilds without their intent")
        ids = [int(shard) for shard in os.environ["STAND_IN_SHARDS"].split(",")]
        self.user = SimpleNamespace(id=123456789012345678)
        self.shard_count = 4
        self.shards = {shard: SimpleNamespace(id=shard) for shard in ids}
        self.guilds = [SimpleNamespace(shard_id=shard) for shard in ids for _ in range(shard + 1)]
        self.loop = None
        self._ready = None

    def event(self, coroutine):
        setattr(self, coroutine.__name__, coroutine)
        return coroutine

    async def wait_until_ready(self):
        await self._ready.wait()

    def run(self, token):
        if not token:
            raise ValueError("no token")
        asyncio.run(self._run())

    async def _run(self):
        self.loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        await self.setup_hook()
        self._ready.set()
        await self._until_the_end()

    async def _until_the_end(self):
        await asyncio.Event().wait()


class AutoShardedBot(Bot):
    """One that ends when all that it has begun has ended."""

    async def _until_the_end(self):
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
