"""Editing pictures by words: the model that does it, and the reference pictures of a request."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import discord

from cogs.context import Interaction
from cogs.policy.model_capabilities import can_blend, can_edit, require_edits
from cogs.policy.request_context import request_context
from cogs.requests.answers import defer_for, note_ignored_flags
from cogs.requests.attachments import require_picture, store_image
from cogs.requests.builder import RequestBuilder, TypedRequest
from cogs.requests.confirmations import Confirmations
from cogs.requests.named_pictures import (
    private_source,
    require_named,
    require_usable,
    with_named_pictures,
)
from cogs.requests.submission import Submission
from engine import (
    ImageRequest,
    InvalidRequest,
    Model,
    Parent,
    RequestContext,
    Studio,
    with_references,
)
from speech import say

BLEND = "Combine these pictures into one."
"""What a blend is asked for in the models' language, if the member says nothing."""

PLAIN = "best quality, high quality"
"""The same for a model that doesn't follow instructions, as in the IP-Adapter repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The pictures that an edit is made from, in this order.

    Attributes:
        upload: The name of a stored upload.
        finished: A finished picture.
        attachments: Pictures that the user attached.
    """

    upload: str | None = None
    finished: Parent | None = None
    attachments: Sequence[discord.Attachment] = ()

    def __len__(self) -> int:
        return (self.upload is not None) + (self.finished is not None) + len(self.attachments)


async def edit(
    interaction: Interaction,
    typed: TypedRequest,
    sources: Sources,
    *,
    private: bool | None = None,
    blend: bool = False,
) -> None:
    """Edit pictures for the user, or blend them, and answer with the results.

    Args:
        interaction: The interaction.
        typed: What was asked for; its prompt says what to change.
        sources: The pictures.
        private: The privacy that the user chose, if any.
        blend: Whether they are combined, in the model's own shape; a model can do that that doesn't
            edit by words. Otherwise the result has the shape of the first picture. A size that was
            asked for comes first.

    Raises:
        AtelierError: When it is refused; the text is for the user.
    """
    variants = typed.variants()
    requests = await edit_requests(interaction, variants, sources, blend=blend)
    finished = sources.finished
    source = await private_source(interaction, variants, finished.job_id if finished else None)
    await defer_for(interaction, requests, private=private, source=source)
    requests = await with_sources(interaction, requests, sources, keep_shape=not blend)
    if await require_usable(interaction, variants, requests):
        requests = await with_named_pictures(interaction, variants, requests)
    if finished is not None and len(requests) == 1:
        submission = interaction.client.services[Submission]
        await submission.submit(interaction, requests[0], finished, private=private)
    else:
        confirmations = interaction.client.services[Confirmations]
        await confirmations.submit_or_ask(interaction, requests, private=private)
    await note_ignored_flags(interaction, typed.request.prompt)


async def edit_requests(
    interaction: Interaction,
    variants: Sequence[TypedRequest],
    sources: Sources,
    *,
    blend: bool = False,
) -> list[ImageRequest]:
    """The requests for these variants of an edit, still without pictures; nothing is downloaded.

    Raises:
        AtelierError: When it can't be done; the text is for the user.
    """
    studio, context = interaction.client.studio, await request_context(interaction)
    asked = variants[0].request.model or variants[0].flags.model
    model = await editing_model(studio, context, asked, blend=blend)
    if not blend:
        require_edits(model)
    for variant in variants:
        require_named(model, variant.flags, len(sources))
    for attachment in sources.attachments:
        require_picture(attachment)
    changed = []
    for variant in variants:
        request = replace(variant.request, model=model.name)
        if blend and not can_edit(model):
            request = replace(request, prompt=request.prompt.replace(BLEND, PLAIN))
        changed.append(replace(variant, request=request))
    return RequestBuilder(studio).build_all(changed, context)


async def with_sources(
    interaction: Interaction,
    requests: Sequence[ImageRequest],
    sources: Sources,
    *,
    keep_shape: bool = True,
) -> list[ImageRequest]:
    """The requests of `edit_requests` with the pictures, which are stored.

    Raises:
        InvalidRequest: When one can't be downloaded, isn't a picture, or is gone.
        LimitReached: When the user has uploaded too much.
        StorageError: When one can't be written to disk.
    """
    studio = interaction.client.studio
    names = [sources.upload] if sources.upload else []
    if sources.finished is not None:
        names.append(await studio.init_images.keep_finished(sources.finished))
    names += [await store_image(interaction, attachment) for attachment in sources.attachments]
    shape = await studio.init_images.size(names[0]) if keep_shape else None
    return [
        with_references(request, names, shape, studio.models[request.model or ""])
        for request in requests
    ]


async def editing_model(
    studio: Studio, context: RequestContext, asked: str | None, *, blend: bool = False
) -> Model:
    """The model that edits or blends: the one asked for, else the user's, the server's, or another.

    Of the others, one whose files are on disk comes first.

    Raises:
        UnknownModel: There is none of the name asked for.
        InvalidRequest: No allowed model can.
    """
    if asked is not None:
        return studio.models[asked]
    able = require_editing_model(context, blend=blend)
    if able[0] in _preferred(context):
        return able[0]

    def first_on_disk() -> Model:
        usage = studio.model_manager.disk_usage
        return next((m for m in able if not usage(m.name).presence.downloads), able[0])

    return await asyncio.to_thread(first_on_disk)


def require_editing_model(context: RequestContext, *, blend: bool = False) -> Sequence[Model]:
    """The allowed models that edit or blend: the user's first, then the server's; no disk is read.

    Raises:
        InvalidRequest: There is none.
    """
    allowed = context.models.allowed
    able: list[Model] = [
        model
        for model in (*_preferred(context), *context.catalogue)
        if (can_blend if blend else can_edit)(model) and (allowed is None or model.name in allowed)
    ]
    if not able and blend:
        raise InvalidRequest(
            say(
                "No model here can combine pictures. The bot's owner can add one with `/model "
                "add`, such as black-forest-labs/FLUX.2-klein-4B, or an IP-Adapter for Stable "
                "Diffusion models: a section `[ip_adapters.NAME]` in the settings."
            )
        )
    if not able:
        raise InvalidRequest(
            say(
                "No model here can edit pictures by words. The bot's owner can add one with "
                "`/model add`, such as black-forest-labs/FLUX.2-klein-4B."
            )
        )
    return able


def _preferred(context: RequestContext) -> list[Model]:
    """The user's model, if they have chosen one, and the server's."""
    default = context.user_defaults.model or ""
    chosen = [context.catalogue[default]] if default in context.catalogue else []
    return [*chosen, context.models.model]
