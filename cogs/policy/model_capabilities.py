"""What models can do with pictures, and what to say when they can't."""

from engine import FAMILIES, Catalogue, InvalidRequest, Model
from speech import say


def can_start_from_images(model: Model) -> bool:
    """Whether the model can start from a picture (img2img)."""
    return model.family is not None and FAMILIES[model.family].image_to_image


def can_inpaint(model: Model) -> bool:
    """Whether the model can inpaint."""
    return model.family is not None and FAMILIES[model.family].inpaint


def require_img2img(model: Model) -> None:
    """Raise `InvalidRequest` unless the model can start from a picture."""
    if not can_start_from_images(model):
        raise InvalidRequest(
            say(
                "{model} can't start from a picture. Use a model that can (`/model list`).",
                model=model.name,
            )
        )


def require_inpaint(model: Model) -> None:
    """Raise `InvalidRequest` unless the model can inpaint."""
    if not can_inpaint(model):
        raise InvalidRequest(
            say(
                "{model} can't repaint just part of a picture. Use a model that can (`/model "
                "list`).",
                model=model.name,
            )
        )


def model_can_inpaint(models: Catalogue, name: str) -> bool:
    """Whether there still is a model of that name, and it can inpaint."""
    return name in models and can_inpaint(models[name])
