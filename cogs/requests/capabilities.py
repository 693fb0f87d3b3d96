"""Which models can go on from a picture, and what to say of those that cannot."""

from engine import FAMILIES, Catalogue, InvalidRequest, Model
from speech import say


def starts_from_pictures(model: Model) -> bool:
    """Whether the model can start from a picture."""
    return model.family is not None and FAMILIES[model.family].image_to_image


def fills(model: Model) -> bool:
    """Whether the model can paint a part of a picture anew."""
    return model.family is not None and FAMILIES[model.family].inpaint


def require_starting(model: Model) -> None:
    """Raise `InvalidRequest` unless the model can start from a picture."""
    if not starts_from_pictures(model):
        raise InvalidRequest(
            say(
                "{model} cannot start from a picture: paint with a model that can (`/model list`).",
                model=model.name,
            )
        )


def require_filling(model: Model) -> None:
    """Raise `InvalidRequest` unless the model can paint a part of a picture anew."""
    if not fills(model):
        raise InvalidRequest(
            say(
                "{model} cannot paint a part of a picture and keep the rest: paint with a model "
                "that can (`/model list`).",
                model=model.name,
            )
        )


def can_be_filled(models: Catalogue, name: str) -> bool:
    """Whether there is a model of that name still, and it can paint a part of a picture anew."""
    return name in models and fills(models[name])
