"""Asking: from what somebody typed to requests, one for each prompt that it stands for."""

from dataclasses import dataclass, replace

from cogs.requests.loras import parse_loras
from cogs.requests.sizes import parse_size
from engine import (
    NO_STYLE,
    RATIOS,
    ImageRequest,
    InvalidRequest,
    Model,
    RequestContext,
    Studio,
    Style,
    UserDefaults,
    expand_dynamic_prompt,
    find_style,
    without_flags,
)
from speech import say


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedRequest:
    """What somebody typed.

    Attributes:
        request: What was said by numbers and names; its prompt as it was typed, with braces and
            flags.
        size: Shape or size.
        lora: LoRAs, with commas between them.
        style: Name of a style; `NO_STYLE` for none, whatever the person wants by default.
    """

    request: ImageRequest
    size: str | None = None
    lora: str | None = None
    style: str | None = None


class RequestBuilder:
    """Builds requests from what people type, and from what they and their server have decided."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def requests(self, typed: TypedRequest, context: RequestContext) -> list[ImageRequest]:
        """One request for each prompt that `typed` stands for, without start images.

        Raises:
            AtelierError: When it makes no sense; the text is for the member.
        """
        return [
            self.request(replace(typed, request=replace(typed.request, prompt=prompt)), context)
            for prompt in expand_dynamic_prompt(typed.request.prompt)
        ]

    def request(self, typed: TypedRequest, context: RequestContext) -> ImageRequest:
        """The request for a prompt in which braces have no meaning. Raises as `requests`."""
        adapters = parse_loras(typed.lora, self._studio.adapters)
        prompt, flags = without_flags(typed.request.prompt)
        style = _style(typed.style, context)
        name = typed.request.model or flags.model or _default_model(style, context)
        model = self._studio.models[name] if name else context.models.model
        width, height = parse_size(typed.size, model)
        request = replace(
            typed.request, prompt=prompt, adapters=adapters, width=width, height=height
        )
        request = replace(flags.applied_to(request, model), model=name)
        request = style.applied_to(request) if style else request
        return _shaped(request, context.user_defaults, model)

    def model_of(self, request: ImageRequest, context: RequestContext) -> Model:
        """The model that paints the request. Raises `UnknownModel`."""
        return self._studio.models[request.model] if request.model else context.models.model


def _style(named: str | None, context: RequestContext) -> Style | None:
    """The style that was named, else the user's default if the server has it.

    Raises:
        InvalidRequest: When the server has no style of that name.
    """
    if named is not None:
        return None if named.casefold() == NO_STYLE else find_style(context.styles, named)
    wanted = context.user_defaults.style
    return context.styles.get(wanted.casefold()) if wanted else None


def _default_model(style: Style | None, context: RequestContext) -> str | None:
    """The style's model, else the user's default, if it exists and is allowed."""
    allowed, catalogue = context.models.allowed, context.catalogue
    names = (style.model if style else None, context.user_defaults.model)
    return next(
        (name for name in names if name in catalogue and (allowed is None or name in allowed)),
        None,
    )


def _shaped(request: ImageRequest, user_defaults: UserDefaults, model: Model) -> ImageRequest:
    """The request in the shape that the person wants, where it has none and the model can."""
    if request.width is not None or user_defaults.ratio is None:
        return request
    width, height = model.sides(RATIOS[user_defaults.ratio])
    if min(width, height) < model.min_side:
        return request
    return replace(request, width=width, height=height)


def with_flags(request: ImageRequest, context: RequestContext) -> ImageRequest:
    """The request with the flags in its prompt, which win over what it says elsewhere.

    This is for modals, which are filled in with the settings of a picture.

    Raises:
        AtelierError: When a flag makes no sense.
    """
    prompt, flags = without_flags(request.prompt)
    name = flags.model or request.model
    model = context.catalogue[name] if name else context.models.model
    return flags.applied_to(replace(request, prompt=prompt), model, override=True)


def require_init_image(request: ImageRequest, *, starts: bool, masked: bool = False) -> None:
    """Raise `InvalidRequest` when a picture is to be left behind, or masked, that there is not."""
    if masked and not starts:
        raise InvalidRequest(
            say("A mask needs a picture to repaint. Send that picture as `image`, too.")
        )
    if request.strength is not None and not starts:
        raise InvalidRequest(say("Strength needs a start image to change. Send one as `image`."))
