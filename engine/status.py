"""How the engine is doing: the queue, the device, and what came of recent jobs."""

from dataclasses import dataclass

from engine.devices.attached_device import DeviceState
from engine.devices.dispatcher import Dispatcher
from engine.errors import AtelierError
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import PlanTable
from engine.models.manager import ModelManager
from engine.store import Outcomes, Tally
from speech import retranslate


@dataclass(frozen=True, slots=True)
class Status:
    """The queue at a glance.

    Attributes:
        waiting: Jobs in the queue.
        running: Jobs that are being painted.
        model: Name of the model in use, if any.
    """

    waiting: int
    running: int
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioReport:
    """The engine in detail.

    Attributes:
        waiting: Jobs in the queue.
        running: Jobs that are being painted.
        model: Name of the model in use; while nothing is painted, of the default one.
        device: The state of the first device of the settings; `None` if it isn't available.
        devices: What each device is doing.
        plan: How the model runs on it; `None` if that can't be told.
        problems: Why any of this is unknown, in sentences.
        tally: What came of recent jobs.
    """

    waiting: int
    running: int
    model: str
    device: DeviceFacts | None
    devices: tuple[DeviceState, ...]
    plan: PlanTable | None
    problems: tuple[str, ...]
    tally: Tally


def status_of(dispatcher: Dispatcher) -> Status:
    """The queue of `dispatcher` at a glance."""
    running = dispatcher.running
    return Status(
        waiting=len(dispatcher),
        running=len(running),
        model=running[0].recipe.model if running else None,
    )


async def report(
    dispatcher: Dispatcher, default_model: str, manager: ModelManager, outcomes: Outcomes
) -> StudioReport:
    """The engine in detail: asks the device, the memory planner and the store."""
    status = status_of(dispatcher)
    model = status.model or default_model
    device: DeviceFacts | None = None
    plan: PlanTable | None = None
    problems: list[str] = []
    try:
        device = await manager.device_facts()
        plan = await manager.plan(model)
    except AtelierError as error:
        problems.append(retranslate(error.sentence))
    return StudioReport(
        waiting=status.waiting,
        running=status.running,
        model=model,
        device=device,
        devices=dispatcher.devices,
        plan=plan,
        problems=tuple(problems),
        tally=await outcomes.tally(),
    )
