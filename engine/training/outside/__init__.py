"""Trainings by a program of the owner's in place of the bot's own trainer."""
