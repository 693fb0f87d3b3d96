"""What the buttons on a job's message do: paint again, cancel, show here, delete."""

import asyncio
import contextlib
from io import BytesIO

import discord

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.job_messages import JobMessages
from cogs.messages.removal import JobRemoval
from cogs.messages.replies import reply
from cogs.policy.access import acting_as
from cogs.policy.audit import record_on_job
from cogs.policy.request_context import request_context
from cogs.requests.answers import message_ref_of_click
from cogs.requests.submission import Submission
from engine import InvalidRequest, NotYours
from speech import say


async def again(interaction: Interaction, job_id: int) -> None:
    """Paint the same request with a new seed."""
    await interaction.client.services[Submission].submit_again(interaction, job_id)


async def properly(interaction: Interaction, job_id: int) -> None:
    """Paint a draft with the model that it is a draft for: the same seed and prompt."""
    recipe = (await interaction.client.studio.job(job_id)).recipe
    request = (await request_context(interaction)).models.properly(recipe)
    await interaction.client.services[Submission].submit(interaction, request, source=job_id)


async def show_map(interaction: Interaction, job_id: int) -> None:
    """Show what the pictures were painted along, to the one who sent it: for older messages.

    Raises:
        UnknownJob: When the job is gone.
        NotYours: When another user requested it.
        InvalidRequest: When the map is no longer stored.
    """
    studio = interaction.client.studio
    job = await studio.job(job_id)
    if job.owner != str(interaction.user.id):
        raise NotYours(
            say("Only the person who requested job {number} can do that.", number=job_id)
        )
    if job.recipe.control is None:
        raise InvalidRequest(say("This picture was painted without a control picture."))
    file = studio.control_maps.file(job.recipe.control)
    data = BytesIO(await asyncio.to_thread(file.read_bytes))
    await interaction.response.send_message(
        file=discord.File(data, f"map-{job_id}.png"), ephemeral=True
    )


async def cancel(interaction: Interaction, job_id: int) -> None:
    """Cancel the job."""
    await interaction.response.defer()
    studio = interaction.client.studio
    job = await studio.job(job_id)
    if await studio.cancel(job_id, by=acting_as(interaction, job)):
        await record_on_job(interaction, "cancelled", job)
        message_ref = MessageRef.from_json(job.message_ref)
        if message_ref.token_only and not message_ref.token_valid:
            await reply(interaction, say("Job {number} was cancelled.", number=job_id))
    else:
        await reply(interaction, say("Job {number} is already done.", number=job_id))


async def here(interaction: Interaction, job_id: int) -> None:
    """Keep updating a message for another 15 minutes.

    Raises:
        UnknownJob: When the job is gone.
        NotYours: When another user requested it.
    """
    studio = interaction.client.studio
    job = await studio.job(job_id)
    if job.owner != str(interaction.user.id):
        raise NotYours(
            say("Only the person who requested job {number} can do that.", number=job_id)
        )
    message_ref = await message_ref_of_click(interaction, MessageRef.from_json(job.message_ref))
    if message_ref is not None:
        await studio.set_message_ref(job.id, message_ref.to_json())
        interaction.client.services[JobMessages].track(job, message_ref)


async def delete(interaction: Interaction, job_id: int) -> None:
    """Delete the job, its pictures and its messages."""
    await interaction.response.defer()
    job = await interaction.client.studio.job(job_id)
    removal = interaction.client.services[JobRemoval]
    await removal.delete(interaction, job_id, by=acting_as(interaction, job))
    await record_on_job(interaction, "deleted", job)
    with contextlib.suppress(discord.NotFound):  # already deleted
        await interaction.delete_original_response()
