"""Checks that a LoRA from elsewhere can be loaded, in a process of its own: that takes torch."""

from dataclasses import dataclass
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hub import local_files
from engine.models.inspection import inspect
from engine.models.origins import origin_of
from engine.processes.answering_process import AnsweringProcess
from engine.processes.channel import Channel
from engine.processes.questions import NoAnswer
from engine.training.setup import TrainingSetup
from speech import say

CHECK = "trained LoRA"
"""What the child is asked for."""


@dataclass(frozen=True, slots=True)
class CheckQuestion:
    """The LoRA to be checked, and what it was trained on."""

    setup: TrainingSetup
    file: Path


async def check_lora(setup: TrainingSetup, file: Path) -> None:
    """Raise if a LoRA couldn't be loaded into the model that it was trained on.

    Raises:
        InvalidRequest: It doesn't fit, or can't be read completely.
        ModelUnavailable: It's damaged.
    """
    process = AnsweringProcess("LoRA check", answer_checks)
    try:
        await process.ask(CHECK, CheckQuestion(setup, file))
    except NoAnswer:
        raise ModelUnavailable(say("The LoRA can't be checked. The log says why.")) from None
    finally:
        await process.kill()


def answer_checks(channel: Channel) -> None:
    """In the child: check whatever the parent asks for."""
    channel.serve({CHECK: check})


def check(question: CheckQuestion) -> None:
    """Check it here: torch is imported. Raises as `check_lora`."""
    from engine.diffusion.training.fitting import require_fitting

    setup = question.setup
    origin = origin_of(setup.model, allow_pickle=setup.settings.allow_pickle)
    files = local_files(origin)
    folder = files.folder or files.settings
    assert folder is not None, "a checkpoint that was recognized has a base"
    require_fitting(folder, inspect(origin).family or "", setup.request.name, question.file)
