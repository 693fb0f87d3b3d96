"""The cards of trainings that were started: their progress, and how they ended."""

from collections.abc import Mapping

from cogs.markdown import in_code, in_markdown
from cogs.messages.text import progress_bar
from cogs.train.cards import TrainingCard, author_line, heading, state_words
from engine import Training, TrainingEvent, TrainingState
from speech import phrase, say

LATE_NOTICE = phrase(
    "I can't keep updating this message. “Show here” goes on for 15 minutes; the training goes on "
    "in any case, and I'll send the result to your DMs."
)


def waiting_training_card(
    event: TrainingEvent, ready_at: float | None, pictures: Mapping[str, str]
) -> TrainingCard:
    """The card of a training that was started and isn't over.

    Args:
        event: Its latest event.
        ready_at: Epoch seconds at which it should be done, if known.
        pictures: The attached plot and samples.
    """
    training = event.training
    return TrainingCard(
        training_id=training.id,
        state=training.state,
        text="\n".join([heading(training), _status(event, ready_at), author_line(training)]),
        pictures=pictures,
        rows=(_verbs(training),),
    )


def expiring_training_card(training: Training) -> TrainingCard:
    """The card of a training whose message soon can't be edited any more."""
    return TrainingCard(
        training_id=training.id,
        state=training.state,
        text="\n".join([heading(training), f"📬 {say(LATE_NOTICE)}", author_line(training)]),
        pictures={},
        rows=(("here", "cancel"),),
    )


def finished_training_card(
    training: Training, pictures: Mapping[str, str], *, shareable: bool
) -> TrainingCard:
    """The card of a training with its LoRA.

    Args:
        training: The training.
        pictures: The attached sheet that compares the model before and after.
        shareable: Whether its owner may share it with the server.
    """
    lines = [
        heading(training),
        "✅ "
        + say(
            "Paint with `/imagine lora:{name}`, and `{trigger}` in the prompt. `lora:{name}+` puts "
            "it there.",
            name=in_code(training.name),
            trigger=in_code(training.trigger),
        ),
    ]
    if pictures:
        note = say("In the first row is the model as it was, in the last one with the LoRA.")
        lines.append(f"-# {note}")
    return TrainingCard(
        training_id=training.id,
        state=training.state,
        text="\n".join([*lines, author_line(training)]),
        pictures=pictures,
        rows=(("paint", *(("share",) if shareable else ()), "remove"),),
    )


def unfinished_training_card(training: Training) -> TrainingCard:
    """The card of a training that failed or was cancelled."""
    failed = training.state is TrainingState.FAILED
    if failed:
        reason = in_markdown(training.error or say("The training couldn't go on."))
        sentence = f"⚠️ {reason}"
    else:
        sentence = in_markdown(training.error) if training.error else say("Cancelled.")
    return TrainingCard(
        training_id=training.id,
        state=training.state,
        text="\n".join([heading(training), sentence, author_line(training)]),
        pictures={},
        rows=(("resume", "remove"),) if failed else (),
    )


def _status(event: TrainingEvent, ready_at: float | None) -> str:
    training = event.training
    progress = progress_bar(training.step, max(1, training.steps))
    if training.state is TrainingState.RUNNING and event.preparing and not training.step:
        done, total = event.preparing
        return "📦 " + say("preparing {done} of {total}", done=done, total=total)
    parts = []
    if training.step or training.state is TrainingState.RUNNING:
        parts.append(progress)
    if training.state is not TrainingState.RUNNING:
        parts.append(state_words(event))
    if training.steps and training.step:
        parts.append(say("step {step} of {steps}", step=training.step, steps=training.steps))
    if event.loss is not None:
        parts.append(say("loss {loss:.4f}", loss=event.loss))
    if ready_at is not None and training.state is TrainingState.RUNNING:
        parts.append(say("ready <t:{at}:R>", at=int(ready_at)))
    return f"{_SIGNS[training.state]} {' · '.join(parts)}"


_SIGNS = {
    TrainingState.WAITING: "⏳",
    TrainingState.RUNNING: "🏋️",
    TrainingState.PAUSED: "⏸️",
}


def _verbs(training: Training) -> tuple[str, ...]:
    match training.state:
        case TrainingState.RUNNING:
            return ("pause", "keep", "finish", "cancel")
        case TrainingState.PAUSED if not training.waiting_for_painting:
            return ("resume", "finish", "cancel")
        case _:
            return ("pause", "cancel")
