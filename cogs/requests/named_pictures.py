"""Pictures that flags name: `--sref` for their style, `--oref` for their subject."""

import re
from collections.abc import Sequence
from dataclasses import replace

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.shown_job import job_id_of
from cogs.policy.nsfw import require_shown
from cogs.policy.request_context import request_context
from cogs.policy.visibility import can_read, visible_job
from cogs.requests.builder import TypedRequest
from engine import (
    USUAL_WEIGHT,
    Flags,
    ImageRequest,
    InvalidRequest,
    Model,
    Parent,
    PictureKind,
    ReferenceUse,
    require_references,
)
from speech import say

LINK = re.compile(
    r"https?://(?:\w+\.)?discord(?:app)?\.com/channels/(?P<guild>\d+|@me)/(?P<channel>\d+)"
    r"/(?P<message>\d+)/?"
)

WORDS = {
    PictureKind.STYLE: "in the style of picture {number}",
    PictureKind.SUBJECT: "with the subject of picture {number}",
}
"""What the prompt says of them, in the models' language."""


async def require_usable(
    interaction: Interaction, variants: Sequence[TypedRequest], requests: Sequence[ImageRequest]
) -> bool:
    """Whether flags name pictures, which then can be added to the requests of these variants.

    Raises:
        InvalidRequest: When a model can't be shown so many, or can't weigh them.
    """
    models = (await request_context(interaction)).models
    for variant, request in zip(variants, requests, strict=True):
        if variant.flags.pictures:
            _, model = models.apply(request)
            require_named(model, variant.flags, _shown_before(request, model))
    return any(variant.flags.pictures for variant in variants)


def require_named(model: Model, flags: Flags, before: int) -> None:
    """Check the pictures that flags name.

    Args:
        model: The model that is to be shown them.
        flags: The flags.
        before: How many pictures it is shown besides.

    Raises:
        InvalidRequest: When it can't be shown so many, or can't weigh them.
    """
    require_references(model, before + len(flags.pictures))
    if flags.weights and not model.image_prompts:
        raise InvalidRequest(
            say(
                "{model} reads in the prompt how much a picture counts, so it takes no `--sw` or "
                "`--ow`. Remove them, and say it in words.",
                model=model.name,
            )
        )


async def with_named_pictures(
    interaction: Interaction, variants: Sequence[TypedRequest], requests: Sequence[ImageRequest]
) -> list[ImageRequest]:
    """The requests of these variants with the pictures that their flags name, and for what.

    A model that sees them beside the prompt is told so in words.

    Raises:
        UnknownJob: When there is no such picture, or the user may not see it.
        InvalidRequest: When a link doesn't lead to one of the bot's pictures in this server.
        StorageError: When it can't be written to disk.
    """
    keep = interaction.client.studio.init_images.keep_finished
    all_names = {named.name for variant in variants for named in variant.flags.pictures}
    stored = {name: await keep(await _picture(interaction, name)) for name in sorted(all_names)}
    rules = (await request_context(interaction)).models
    changed = []
    for variant, request in zip(variants, requests, strict=True):
        flags, (_, model) = variant.flags, rules.apply(request)
        names = [stored[named.name] for named in flags.pictures]
        references = (*request.references, *names)
        if not flags.pictures:
            changed.append(request)
        elif model.image_prompts:
            before = (ReferenceUse(),) * len(request.references)
            uses = tuple(
                ReferenceUse(named.kind, flags.weights.get(named.kind, USUAL_WEIGHT))
                for named in flags.pictures
            )
            changed.append(replace(request, references=references, reference_uses=before + uses))
        else:
            first = _shown_before(request, model) + 1
            words = [
                WORDS[named.kind].format(number=number)
                for number, named in enumerate(flags.pictures, start=first)
            ]
            text = ", ".join([request.prompt, *words])
            changed.append(replace(request, prompt=text, references=references))
    return changed


def _shown_before(request: ImageRequest, model: Model) -> int:
    """How many pictures the model is shown before these."""
    start = model.edits and request.image is not None and request.strength is None
    return len(request.references) + start


async def private_source(
    interaction: Interaction, variants: Sequence[TypedRequest], source: int | None = None
) -> int | None:
    """The job that decides whether the answer is private: one that a flag names, else `source`.

    Links lead to messages that others see, so only numbers count.

    Raises:
        UnknownJob: When there is no such job, or the user may not see it.
    """
    for named in (named for variant in variants for named in variant.flags.pictures):
        if not named.name.startswith("http"):
            job = await visible_job(interaction, _numbered(named.name).job_id)
            if MessageRef.from_json(job.message_ref).private:
                return job.id
    return source


def _numbered(name: str) -> Parent:
    """The picture of a name such as “12” or “12.3”."""
    job_id, _, number = name.partition(".")
    return Parent(int(job_id), int(number or 1) - 1)


async def _picture(interaction: Interaction, name: str) -> Parent:
    """The picture of that name, which the user may see."""
    if link := LINK.fullmatch(name):
        picture = Parent(await _linked_job(interaction, link), 0)
    elif name.startswith("http"):
        raise InvalidRequest(say("“{link}” isn't a link to a message of this server.", link=name))
    else:
        picture = _numbered(name)
    job = await visible_job(interaction, picture.job_id)
    await require_shown(interaction, job)
    if not picture.number < len(job.pictures):
        raise InvalidRequest(
            say(
                "Job {job} has no picture {number}.",
                job=picture.job_id,
                number=picture.number + 1,
            )
        )
    return picture


async def _linked_job(interaction: Interaction, link: re.Match[str]) -> int:
    """The job that the linked message of the bot shows."""
    if link["guild"] != str(interaction.guild_id or "@me"):
        raise InvalidRequest(
            say("“{link}” isn't a link to a message of this server.", link=link[0])
        )
    not_found = InvalidRequest(say("I can't find the message “{link}”.", link=link[0]))
    if not can_read(interaction, int(link["channel"])):
        raise not_found
    channel = interaction.client.get_partial_messageable(int(link["channel"]))
    try:
        message = await channel.fetch_message(int(link["message"]))
    except discord.HTTPException as error:
        raise not_found from error
    job_id = job_id_of(message, interaction.client.user)
    if job_id is None:
        raise InvalidRequest(
            say(
                "The message “{link}” shows no picture of mine. Use `/edit` with other pictures.",
                link=link[0],
            )
        )
    return job_id
