"""From typed options to requests: flags, styles, defaults, and one request per dynamic prompt."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from cogs.requests.loras import parse_loras
from cogs.requests.sizes import parse_image_size
from engine import (
    NO_STYLE,
    RATIOS,
    Flags,
    ImageRequest,
    InvalidRequest,
    Model,
    RequestContext,
    Studio,
    Style,
    UserDefaults,
    expand_dynamic_prompt,
    find_style,
    with_trigger_words,
    without_flags,
)
from speech import say


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedRequest:
    """The options of a command, before the parts that are text are parsed.

    Attributes:
        request: The options that need no parsing, and the prompt: as typed, with braces and flags,
            or one of its `variants`.
        size: A size, ratio or shape.
        lora: LoRAs, separated by commas.
        style: The name of a style; `NO_STYLE` for none, even if the user has a default style.
        flags: The flags of the prompt, once they are parsed.
    """

    request: ImageRequest
    size: str | None = None
    lora: str | None = None
    style: str | None = None
    flags: Flags = field(default_factory=Flags)

    def variants(self) -> list[Self]:
        """One for each prompt that the braces stand for, with its flags parsed.

        Expand a prompt only once: options separated by bars are chosen at random.

        Raises:
            InvalidRequest: When there are too many, or a flag isn't valid.
        """
        prompts = expand_dynamic_prompt(self.request.prompt)
        return [self.with_prompt(prompt).parsed() for prompt in prompts]

    def with_prompt(self, prompt: str) -> Self:
        """The same options with another prompt."""
        return replace(self, request=replace(self.request, prompt=prompt))

    def parsed(self) -> Self:
        """The same with the flags of a prompt without variants taken out of it and parsed.

        Raises:
            InvalidRequest: When a flag isn't valid.
        """
        prompt, flags = without_flags(self.request.prompt)
        return replace(self.with_prompt(prompt), flags=flags)


class RequestBuilder:
    """Builds requests from typed options and the settings of the server and the user."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def build_all(
        self, variants: Sequence[TypedRequest], context: RequestContext
    ) -> list[ImageRequest]:
        """The request for each variant of a prompt, whose flags are parsed, without start images.

        Raises:
            AtelierError: When an option is invalid; the text is for the member.
        """
        return [self._build(variant, context) for variant in variants]

    def _build(self, typed: TypedRequest, context: RequestContext) -> ImageRequest:
        adapters = self._studio.adapters.seen_by(context.scope, context.owner)
        loras, flags = parse_loras(typed.lora, adapters), typed.flags
        prompt = with_trigger_words(typed.request.prompt, loras.triggers)
        style = _style(typed.style, context)
        name = typed.request.model or flags.model or _default_model(style, context)
        model = self._studio.models[name] if name else context.models.model
        width, height = parse_image_size(typed.size, model)
        request = replace(
            typed.request, prompt=prompt, adapters=loras.uses, width=width, height=height
        )
        request = replace(flags.applied_to(request, model), model=name)
        request = style.applied_to(request) if style else request
        request = _with_default_ratio(request, context.user_defaults, model)
        return context.models.drafted(request, model) if flags.draft else request

    def model_of(self, request: ImageRequest, context: RequestContext) -> Model:
        """The model that paints the request. Raises `UnknownModel`."""
        return self._studio.models[request.model] if request.model else context.models.model


def default_model(context: RequestContext) -> Model:
    """The model of a user who names none: their own default, else the server's."""
    name = _default_model(None, context)
    return context.catalogue[name] if name else context.models.model


def _style(name: str | None, context: RequestContext) -> Style | None:
    """The style of that name, else the user's default if the server has it.

    Raises:
        InvalidRequest: When the server has no style of that name.
    """
    if name is not None:
        return None if name.casefold() == NO_STYLE else find_style(context.styles, name)
    default = context.user_defaults.style
    return context.styles.get(default.casefold()) if default else None


def _default_model(style: Style | None, context: RequestContext) -> str | None:
    """The style's model, else the user's default, if it exists and is allowed."""
    allowed, catalogue = context.models.allowed, context.catalogue
    names = (style.model if style else None, context.user_defaults.model)
    return next(
        (name for name in names if name in catalogue and (allowed is None or name in allowed)),
        None,
    )


def _with_default_ratio(
    request: ImageRequest, user_defaults: UserDefaults, model: Model
) -> ImageRequest:
    """The request in the user's default ratio if it has no size and the model can paint it."""
    if request.width is not None or user_defaults.ratio is None:
        return request
    width, height = model.sides(RATIOS[user_defaults.ratio])
    if min(width, height) < model.min_side:
        return request
    return replace(request, width=width, height=height)


def with_flags(request: ImageRequest, context: RequestContext) -> ImageRequest:
    """The request with the flags in its prompt applied, which override its other settings.

    This is for modals, which are prefilled with the settings of a picture.

    Raises:
        AtelierError: When a flag is invalid.
    """
    prompt, flags = without_flags(request.prompt)
    if flags.pictures:
        raise InvalidRequest(
            say("`--sref` and `--oref` only work in `/imagine`, `/edit` and `/grid`.")
        )
    name = flags.model or request.model
    model = context.catalogue[name] if name else context.models.model
    request = flags.applied_to(replace(request, prompt=prompt), model, override=True)
    if flags.model is not None:
        request = replace(request, draft_of=None)
    return context.models.drafted(request, model) if flags.draft else request


def require_init_image(request: ImageRequest, *, has_image: bool, has_mask: bool = False) -> None:
    """Raise `InvalidRequest` when a mask or a strength is given without a start image."""
    if has_mask and not has_image:
        raise InvalidRequest(
            say("A mask needs a picture to repaint. Send that picture as `image`, too.")
        )
    if request.strength is not None and not has_image:
        raise InvalidRequest(say("Strength needs a start image to change. Send one as `image`."))
