"""Texts about LoRAs: in lists, in `/lora info`, and before one is added."""

from collections.abc import Iterable

from cogs.markdown import escaped, escaped_line, in_code, in_markdown
from cogs.messages.replies import MAX_MESSAGE_LENGTH
from engine import FAMILIES, Adapter, AdapterCandidate, AdapterInfo, human_size
from speech import join_list, say


def lora_list_text(adapters: Iterable[Adapter]) -> str:
    """All LoRAs; only their names if there are too many to describe."""
    found = list(adapters)
    if not found:
        return say(
            "There are no LoRAs here yet. The owner can add some with `/lora add`, or put "
            "files into the folder of LoRAs."
        )
    lines = [
        f"• **{escaped(adapter.name)}** {escaped_line(adapter.description or adapter.trigger)}"
        for adapter in found
    ]
    headline = say("LoRAs to use with the `lora` option:")
    text = "\n".join([headline, *lines])
    if len(text) <= MAX_MESSAGE_LENGTH:
        return text
    names = join_list([escaped(adapter.name) for adapter in found])
    return f"{headline}\n{names}"


def lora_info_text(info: AdapterInfo, *, for_owner: bool) -> str:
    """What a LoRA is for, and how to use it."""
    adapter = info.adapter
    lines = [
        f"**{escaped(adapter.name)}** {escaped_line(adapter.description)}",
        _family_line(info.family),
        say("Default weight: {weight:g}", weight=adapter.weight),
        *_trigger_lines(adapter.name, adapter.trigger),
    ]
    others = [word for word in info.trained_words if word not in adapter.trigger]
    if others:
        words = ", ".join(f"`{in_code(word)}`" for word in others)
        lines.append(say("More trigger words: {words}", words=words[:1000]))
    if info.base_model:
        lines.append(say("Trained on: {model}", model=escaped_line(info.base_model)))
    if info.licence:
        lines.append(say("Licence: {name}", name=escaped_line(info.licence)))
    if info.gone:
        lines.append(say("Its file isn't there any more."))
    elif info.size is None:
        lines.append(say("Not downloaded yet: its first use downloads it."))
    elif for_owner:
        lines.append(say("Takes up {size} on disk.", size=human_size(info.size)))
    if for_owner:
        lines.append(say("Source: {source}", source=escaped_line(adapter.source)))
    return "\n".join(lines)


def lora_candidate_text(candidate: AdapterCandidate) -> str:
    """What a LoRA is that can be added."""
    inspection, settings = candidate.inspection, candidate.settings
    size, left = human_size(inspection.total_bytes), human_size(inspection.download_bytes)
    lines = [
        say("LoRA, {size}, {left} to download", size=size, left=left)
        if inspection.download_bytes
        else say("LoRA, {size}, already on disk", size=size),
        _family_line(inspection.family),
        say("Licence: {name}", name=escaped_line(candidate.licence))
        if candidate.licence
        else say("Licence: not known"),
        *(f"⚠️ {in_markdown(warning)}" for warning in candidate.licence_warnings),
        *_trigger_lines(candidate.name, settings.trigger),
    ]
    if candidate.same_as:
        lines.append(
            say("The same LoRA is already here as **{name}**.", name=escaped(candidate.same_as))
        )
    return "\n".join(lines)


def _family_line(family: str | None) -> str:
    if family is None:
        return say("Which models it's for doesn't show; that's found out when it's first used.")
    return say("For {family} models", family=FAMILIES[family].label)


def _trigger_lines(name: str, trigger: str) -> list[str]:
    if not trigger:
        return []
    return [
        say(
            "Trigger words: `{words}`. Put them into the prompt, or choose `{choice}` as the LoRA "
            "to have them added.",
            words=in_code(trigger),
            choice=in_code(f"{name}+"),
        )
    ]
