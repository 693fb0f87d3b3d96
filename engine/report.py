"""How the whole engine is doing, for the one who looks after it."""

from dataclasses import dataclass

from engine.errors import AtelierError
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import PlanTable
from engine.models.manager import ModelManager
from engine.store import Outcomes, Tally
from speech import resaid


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioReport:
    """How the engine is doing.

    Attributes:
        waiting: Jobs in the queue.
        running: Jobs that are being painted.
        model: Name of the model in use; while nothing is painted, of the one painted with by
            default.
        device: What is known of the device now; `None` when it is not there.
        plan: How the model runs on it; `None` when that cannot be told.
        problems: Why something of this is not known, in sentences.
        tally: What came of jobs lately.
    """

    waiting: int
    running: int
    model: str
    device: DeviceFacts | None
    plan: PlanTable | None
    problems: tuple[str, ...]
    tally: Tally


async def report(
    model_manager: ModelManager, outcomes: Outcomes, *, waiting: int, running: int, model: str
) -> StudioReport:
    """Ask the device, the planner and the store; the arguments are attributes of `StudioReport`."""
    device: DeviceFacts | None = None
    plan: PlanTable | None = None
    problems: list[str] = []
    try:
        device = await model_manager.device()
        plan = await model_manager.plan(model)
    except AtelierError as error:
        problems.append(resaid(error.sentence))
    return StudioReport(
        waiting=waiting,
        running=running,
        model=model,
        device=device,
        plan=plan,
        problems=tuple(problems),
        tally=await outcomes.tally(),
    )
