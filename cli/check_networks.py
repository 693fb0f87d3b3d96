"""Whether the networks beside those that paint can be used. Loads nothing."""

import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from cli.findings import Finding, Mark
from cli.settings import Settings
from engine import ModelUnavailable, known_control
from engine.hub.classifier_files import check_labels, classifier_on_disk, labels_in
from engine.hub.control_files import control_on_disk
from engine.hub.ip_adapter_files import ip_adapter_on_disk
from engine.hub.language_files import language_model_on_disk
from engine.hub.upscaler_files import upscaler_on_disk
from engine.settings import BUILT_IN_MODEL


def classifier(settings: Settings) -> Iterator[Finding]:
    """Whether the classifier of [safety] can be used. Loads nothing."""
    safety = settings.safety
    if safety.classifier is None:
        return
    advice = "Until then, pictures outside age-restricted channels are hidden as spoilers."
    try:
        folder = classifier_on_disk(safety.classifier)
        if folder is not None:
            check_labels(safety.labels, labels_in(folder))
    except ModelUnavailable as error:
        yield Finding(Mark.NOTE, "safety", str(error), advice)
        return
    if folder is None:
        text = f"{safety.classifier}: not downloaded; downloads with the first picture"
        yield Finding(Mark.NOTE, "safety", text)
    else:
        what = f"{', '.join(safety.labels)}, score {safety.threshold:g} or more"
        yield Finding(Mark.GOOD, "safety", f"{safety.classifier}: {what}")


def upscalers(settings: Settings) -> Iterator[Finding]:
    """Whether the upscalers can be used, and under which licences."""
    for name, upscaler in settings.upscalers.items():
        licence = f", {upscaler.licence}" if upscaler.licence else ""
        try:
            file = upscaler_on_disk(upscaler.source, allow_pickle=settings.engine.allow_pickle)
        except ModelUnavailable as error:
            yield Finding(Mark.NOTE, "upscaler", f"{name}: {error}")
            continue
        if importlib.util.find_spec("spandrel") is None:
            advice = "pip install -e '.[upscalers]'"
            yield Finding(Mark.NOTE, "upscaler", f"{name}: spandrel isn't installed", advice)
        elif file is None:
            text = f"{name}: not downloaded; downloads with the first picture{licence}"
            yield Finding(Mark.NOTE, "upscaler", text)
        else:
            yield Finding(Mark.GOOD, "upscaler", f"{name}: {upscaler.source}{licence}")


def control_networks(settings: Settings) -> Iterator[Finding]:
    """Whether the control networks can be used, for which models, and under which licences."""
    for name, control in settings.controls.items():
        known = known_control(control.source)
        licence = control.licence or (known.licence if known else "")
        licence = f", {licence}" if licence else ""
        try:
            place = control_on_disk(control.source)
        except ModelUnavailable as error:
            yield Finding(Mark.NOTE, "control", f"{name}: {error}")
            continue
        if place is None:
            text = f"{name}: not downloaded; downloads with the first picture{licence}"
            yield Finding(Mark.NOTE, "control", text)
        else:
            yield Finding(Mark.GOOD, "control", f"{name}: {control.source}{licence}")


def map_models(settings: Settings) -> Iterator[Finding]:
    """Whether the models that read depth and poses can be used."""
    for model in (value for value in settings.maps.model_dump().values() if value is not None):
        yield _on_disk("maps", model, classifier_on_disk, "with the first control picture")


def ip_adapters(settings: Settings) -> Iterator[Finding]:
    """Whether the IP-Adapters can be used, and under which licences."""
    families: set[str] = set()
    for name, one in settings.ip_adapters.items():
        licence = f", {one.licence}" if one.licence else ""
        try:
            files = ip_adapter_on_disk(one.source, one.image_encoder)
        except ModelUnavailable as error:
            yield Finding(Mark.NOTE, "pictures", f"{name}: {error}")
            continue
        if one.family in families:
            text = f"{name}: not used, since another one for {one.family} comes first"
            yield Finding(Mark.NOTE, "pictures", text)
        elif files is None:
            text = f"{name}: not downloaded; downloads when it's first used{licence}"
            yield Finding(Mark.NOTE, "pictures", text)
        else:
            yield Finding(Mark.GOOD, "pictures", f"{name}: {one.family}, {one.source}{licence}")
        families.add(one.family)


def background(settings: Settings) -> Iterator[Finding]:
    """Whether the model of [background] can be used."""
    if (model := settings.background.model) is not None:
        yield _on_disk("cut-out", model, classifier_on_disk, "with the first picture")


def writers(settings: Settings) -> Iterator[Finding]:
    """Whether the models of [describe] and [prompts] can be used."""
    sections = (("describe", settings.describe.model), ("prompts", settings.prompts.model))
    for section, model in sections:
        find = partial(language_model_on_disk, sees=section == "describe")
        if model is not None:
            yield _on_disk(section, model, find, "when it's first asked for")


def draft_model(settings: Settings) -> Iterator[Finding]:
    """Whether the model that paints drafts is in the settings; it may also be added by command."""
    name = settings.engine.draft_model
    if name is not None and name not in {BUILT_IN_MODEL, *settings.models}:
        text = f"“{name}” isn't in the settings; --draft works once it's added by command"
        yield Finding(Mark.NOTE, "drafts", text)


def _on_disk(
    subject: str, model: str, find: Callable[[str], Path | None], downloads: str
) -> Finding:
    """Whether one model can be used, and when it is downloaded if it isn't here."""
    try:
        folder = find(model)
    except ModelUnavailable as error:
        return Finding(Mark.NOTE, subject, str(error))
    if folder is None:
        return Finding(Mark.NOTE, subject, f"{model}: not downloaded; downloads {downloads}")
    return Finding(Mark.GOOD, subject, model)
