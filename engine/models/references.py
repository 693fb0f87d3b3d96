"""Which models can be shown pictures: beside the prompt, or by an IP-Adapter."""

from engine.errors import InvalidRequest
from engine.models.model import Model
from speech import say, say_many


def require_references(model: Model, count: int) -> None:
    """Raise `InvalidRequest` unless the model can be shown so many pictures."""
    most = model.max_references
    if not most and model.can_have_ip_adapter:
        raise InvalidRequest(
            say(
                "{model} can only be shown pictures with an IP-Adapter, which isn't set up for it. "
                "Use a model that edits by words (`/model list`), if there is one, or ask the "
                "bot's owner to add an IP-Adapter: a section `[ip_adapters.NAME]` in the "
                'settings, with family = "{family}".',
                model=model.name,
                family=model.family,
            )
        )
    if not most:
        raise InvalidRequest(
            say(
                "{model} can't edit pictures by words. Use a model that can (`/model list`).",
                model=model.name,
            )
        )
    if count > most:
        raise InvalidRequest(
            say_many(
                "{model} takes {number} picture, not {count}.",
                "{model} takes up to {number} pictures, not {count}.",
                most,
                model=model.name,
                count=count,
            )
        )
