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
    Studio,
    Style,
    StyleBook,
    UserDefaults,
    expand_dynamic_prompt,
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
    """Reads what people type, with what they and the place have decided."""

    def __init__(self, studio: Studio, book: StyleBook) -> None:
        self._studio = studio
        self._book = book

    async def requests(self, typed: TypedRequest, scope: str, person: str) -> list[ImageRequest]:
        """The requests that `typed` stands for; pictures to start from are for others to add.

        Args:
            typed: What somebody typed.
            scope: Where: a server.
            person: Who.

        Raises:
            AtelierError: When it makes no sense; the text is for the person.
        """
        return [
            await self.request(
                replace(typed, request=replace(typed.request, prompt=prompt)), scope, person
            )
            for prompt in expand_dynamic_prompt(typed.request.prompt)
        ]

    async def request(self, typed: TypedRequest, scope: str, person: str) -> ImageRequest:
        """The same for a prompt in which braces are letters like any other."""
        user_defaults = await self._book.user_defaults(person)
        adapters = parse_loras(typed.lora, self._studio.adapters)
        asked = replace(typed.request, adapters=adapters)
        style = await self._style(typed.style, user_defaults.style, scope)
        return await self._request(asked, typed.size, style, user_defaults, scope)

    async def _request(
        self,
        asked: ImageRequest,
        size: str | None,
        style: Style | None,
        user_defaults: UserDefaults,
        scope: str,
    ) -> ImageRequest:
        prompt, flags = without_flags(asked.prompt)
        name = asked.model or flags.model
        if name is None:
            name = await self._usable((style.model if style else None, user_defaults.model), scope)
        model = await self.model_of(replace(asked, model=name), scope)
        width, height = parse_size(size, model)
        request = flags.applied_to(replace(asked, prompt=prompt, width=width, height=height), model)
        request = replace(request, model=name)
        return _shaped(style.applied_to(request) if style else request, user_defaults, model)

    async def model_of(self, request: ImageRequest, scope: str) -> Model:
        """The model that paints the request. Raises `UnknownModel`."""
        if request.model is not None:
            return self._studio.models[request.model]
        return await self._studio.model_of(scope)

    async def _style(self, named: str | None, wanted: str | None, scope: str) -> Style | None:
        """The style that is named, else the one that the person wants where there is such a one."""
        if named is not None:
            return None if named.casefold() == NO_STYLE else await self._book.get(scope, named)
        return (await self._book.all(scope)).get(wanted.casefold()) if wanted else None

    async def _usable(self, names: tuple[str | None, ...], scope: str) -> str | None:
        """The first of the models that is there and allowed; nobody has named it just now."""
        allowed = await self._studio.server_models.allowed(scope)
        return next(
            (
                name
                for name in names
                if name in self._studio.models and (allowed is None or name in allowed)
            ),
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


async def with_flags(studio: Studio, request: ImageRequest, scope: str) -> ImageRequest:
    """The request with what the flags in its prompt say, over all that it says elsewhere.

    That is for forms, which are filled in with the settings of a picture.

    Raises:
        AtelierError: When a flag makes no sense.
    """
    prompt, flags = without_flags(request.prompt)
    name = flags.model or request.model
    model = studio.models[name] if name else await studio.model_of(scope)
    return flags.applied_to(replace(request, prompt=prompt), model, wins=True)


def require_init_image(request: ImageRequest, *, starts: bool, masked: bool = False) -> None:
    """Raise `InvalidRequest` when a picture is to be left behind, or masked, that there is not."""
    if masked and not starts:
        raise InvalidRequest(
            say("A mask needs a picture to repaint. Send that picture as `image`, too.")
        )
    if request.strength is not None and not starts:
        raise InvalidRequest(say("Strength needs a start image to change. Send one as `image`."))
