"""Stands for discord.py, as far as the documentation uses it."""


class Intents:
    def __init__(self, *, guilds=False):
        self.guilds = guilds
