"""What to tell a worker's owner of a model that the bot has and this machine lacks."""

import shlex

from engine.cluster.protocol.parts import LackingModel
from speech import say

ADD = "python bot.py models add"


def command(model: LackingModel) -> str:
    """The command that fetches it."""
    options = {
        "--name": model.name,
        "--revision": model.revision,
        "--variant": model.variant,
        "--denoiser": model.denoiser,
    }
    given = (f"{option} {shlex.quote(value)}" for option, value in options.items() if value)
    return " ".join([ADD, shlex.quote(model.source), *given])


def how_to_get(model: LackingModel) -> str:
    """A sentence that tells how to have it here, too."""
    if not model.source:
        return say(
            "The bot's model “{name}” isn't here. It's made from files on the bot's machine: copy "
            "them here and add them as “{name}”: {command} FOLDER --name {name}",
            name=model.name,
            command=ADD,
        )
    return say(
        "The bot's model “{name}” isn't here. To paint with it, too, run this and start the "
        "worker again: {command}",
        name=model.name,
        command=command(model),
    )
