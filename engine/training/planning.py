"""Plans a training in a process of its own: counting a step needs torch, and takes seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import DeviceUnavailable
from engine.hub import local_files
from engine.memory.device import DeviceFacts
from engine.models.device_facts import device_facts
from engine.models.inspection import inspect
from engine.models.model import Model
from engine.models.origins import origin_of
from engine.processes.answering_process import AnsweringProcess
from engine.processes.channel import Channel
from engine.processes.questions import NoAnswer
from engine.settings import EngineSettings
from engine.training.footprint import Footprint
from engine.training.plan import TrainingPlan, plan_training
from engine.training.request import TrainingRequest
from speech import say

PLAN = "training plan"
"""What the child is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanQuestion:
    """What a plan is asked for.

    Attributes:
        settings: Of the engine: the device, and how files are read.
        model: What is trained on; its files are on this machine.
        request: What is to be trained.
        fixed: Fields of the request that stay as they are.
        captions: Of the pictures.
        picture_bytes: Of the pictures' files.
        measured: Seconds of a step of painting, as `ProfileStore.step_seconds` has them.
        device: The device to plan for, if it isn't this machine's.
        command: Of an outside trainer, of which nobody knows what it takes.
    """

    settings: EngineSettings
    model: Model
    request: TrainingRequest
    fixed: frozenset[str] = frozenset()
    captions: tuple[str, ...] = ()
    picture_bytes: int = 0
    measured: Mapping[tuple[int, int, int], float] = field(default_factory=dict)
    device: DeviceFacts | None = None
    command: tuple[str, ...] = ()


async def planned(question: PlanQuestion) -> TrainingPlan:
    """The plan, computed in a child process, which takes seconds; at once for an outside trainer.

    Raises:
        ModelUnavailable: The model's files are missing or damaged.
        DeviceUnavailable: The device can't be asked.
    """
    if question.command:
        return TrainingPlan(
            request=question.request, needs=None, picture_bytes=question.picture_bytes
        )
    process = AnsweringProcess("training plan", answer_plans)
    try:
        plan: TrainingPlan = await process.ask(PLAN, question)
    except NoAnswer:
        raise DeviceUnavailable(say("The training can't be planned. The log says why.")) from None
    finally:
        await process.kill()
    return plan


def answer_plans(channel: Channel) -> None:
    """In the child: plan whatever the parent asks for."""
    channel.serve({PLAN: plan_of})


def plan_of(question: PlanQuestion) -> TrainingPlan:
    """The plan, computed here: torch is imported.

    Raises:
        ModelUnavailable: The model's files are missing or damaged.
        DeviceUnavailable: There is no such device.
    """
    from engine.diffusion.training.footprint import caption_tokens, footprint_of

    device = question.device or device_facts(question.settings)
    origin = origin_of(question.model, allow_pickle=question.settings.allow_pickle)
    files, inspection = local_files(origin), inspect(origin)
    folder = files.folder or files.settings
    assert folder is not None, "a checkpoint that was recognized has a base"
    cpu, tokens = not device.has_own_memory, caption_tokens(question.captions)

    def count(request: TrainingRequest) -> Footprint:
        return footprint_of(folder, inspection.family or "", request, cpu=cpu, tokens=tokens)

    return plan_training(
        question.request,
        question.model,
        inspection,
        device,
        count,
        fixed=question.fixed,
        picture_bytes=question.picture_bytes,
        measured=question.measured,
    )
