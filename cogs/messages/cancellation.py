"""Cancelling a grid, for its button and for /cancel."""

from cogs.context import Interaction
from cogs.policy.access import acting_as
from cogs.policy.audit import record
from engine import Job
from speech import say


async def cancel_grid(interaction: Interaction, grid_id: int) -> bool:
    """Cancel the cells that aren't painted yet; whether there were any.

    Raises:
        UnknownJob: When all cells are gone.
        NotYours: When the user may not cancel the grid.
    """
    job = await any_cell(interaction, grid_id)
    grids = interaction.client.studio.grids
    if not await grids.cancel(grid_id, by=acting_as(interaction, job)):
        return False
    if job.owner != str(interaction.user.id):
        owner = f"<@{job.owner}>"
        await record(interaction, say("cancelled {owner}'s grid {grid}", grid=grid_id, owner=owner))
    return True


async def any_cell(interaction: Interaction, grid_id: int) -> Job:
    """Any job of the grid: all of them share its owner and its message.

    Raises:
        UnknownJob: When all of them are gone.
    """
    return next(iter((await interaction.client.studio.grids.cells(grid_id)).values()))
