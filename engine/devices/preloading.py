"""Which model a busy device loads meanwhile."""

from collections.abc import Collection, Sequence

from engine.devices.device_slot import DeviceSlot
from engine.devices.job_commands import JobCommands
from engine.jobs.job import Job


def preload(firsts: Sequence[Job], slots: Collection[DeviceSlot], commands: JobCommands) -> None:
    """Have each busy device load the first model that is needed next.

    Not beside a job with which the program has stopped before: if it stops again, it is plain which
    of the two was to blame. Nor what another device paints with or loads.

    Args:
        firsts: The first waiting job for each model, in the order of their turns.
        slots: The devices.
        commands: What they are told.
    """
    taken = {None, *(slot.load.painting for slot in slots)}
    for slot in slots:
        running = slot.load.running.values()
        if any(job.attempts for job in running):
            continue
        wanted = (
            model
            for job in firsts
            if (model := job.recipe.model_needed) not in taken and slot.load.can_paint(job)
        )
        model = next(wanted, None) if running else None
        slot.preload(commands.preload(model) if model else None)
        taken.add(model)
