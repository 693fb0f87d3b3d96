"""Pictures of how a training goes."""

from io import BytesIO

from PIL import Image, ImageChops

from engine.training.charts import draw_losses


def test_losses_are_plotted_once_they_make_a_line() -> None:
    assert draw_losses([]) is None
    assert draw_losses([0.5]) is None
    falling, level = (draw_losses(losses) for losses in ([0.5, 0.1], [0.5, 0.5]))
    assert falling
    assert level
    with Image.open(BytesIO(falling)) as one, Image.open(BytesIO(level)) as other:
        assert ImageChops.difference(one, other).getbbox()
