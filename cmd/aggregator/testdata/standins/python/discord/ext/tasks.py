"""A loop that runs once."""

import asyncio


class Loop:
    def __init__(self, coroutine):
        self._coroutine = coroutine
        self._before = None
        self._task = None

    def before_loop(self, coroutine):
        self._before = coroutine
        return coroutine

    def start(self):
        self._task = asyncio.create_task(self._once())
        return self._task

    async def _once(self):
        if self._before is not None:
            await self._before()
        await self._coroutine()


def loop(*, minutes):
    if minutes <= 0:
        raise ValueError("a loop takes time")
    return Loop
