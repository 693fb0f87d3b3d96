"""What messages have in common: the colours of cards, and Discord's rows of buttons."""

import discord

GREY = discord.Colour(0x8A8F98)
"""Waiting, or over without a result."""

AMBER = discord.Colour(0xE0A030)
"""Going on."""

GREEN = discord.Colour(0x4F9D69)
"""Done."""

RED = discord.Colour(0xC0504D)
"""Failed."""

ROW = 5
"""Buttons that fit into a row."""
