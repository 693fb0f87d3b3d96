"""What models can do with pictures, and what to say when they can't."""

from engine import FAMILIES, Catalogue, InvalidRequest, Model
from speech import say


def can_start_from_images(model: Model) -> bool:
    """Whether the model can start from a picture (img2img)."""
    return model.image_to_image


def can_inpaint(model: Model) -> bool:
    """Whether the model can inpaint."""
    return model.inpaint


def can_edit(model: Model) -> bool:
    """Whether the model can be shown pictures to edit or combine by words."""
    return model.edits


def some_model_edits(models: Catalogue) -> bool:
    """Whether any of the models can."""
    return any(can_edit(model) for model in models)


def can_blend(model: Model) -> bool:
    """Whether the model can be shown pictures, beside the prompt or by an IP-Adapter."""
    return model.max_references > 0


def require_edits(model: Model) -> None:
    """Raise `InvalidRequest` unless the model can edit pictures by words."""
    if not can_edit(model):
        raise InvalidRequest(
            say(
                "{model} can't edit pictures by words. Use a model that can (`/model list`).",
                model=model.name,
            )
        )


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


def can_fix_details(model: Model) -> bool:
    """Whether the model can paint parts of a picture again without changing their shapes."""
    return can_start_from_images(model) and FAMILIES[model.family or ""].keeps_shapes


def require_details(model: Model) -> None:
    """Raise `InvalidRequest` unless the model can paint parts of a picture again."""
    require_img2img(model)
    if not can_fix_details(model):
        raise InvalidRequest(
            say(
                "{model} would change the shapes in those parts, so it can't fix details.",
                model=model.name,
            )
        )


def model_can_fix_details(models: Catalogue, name: str) -> bool:
    """Whether there still is a model of that name, and it can fix details."""
    return name in models and can_fix_details(models[name])


def model_can_inpaint(models: Catalogue, name: str) -> bool:
    """Whether there still is a model of that name, and it can inpaint."""
    return name in models and can_inpaint(models[name])
