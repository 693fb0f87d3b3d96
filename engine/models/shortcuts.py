"""Which denoiser calls a picture does without in quick mode.

Which they are depends on the number of the step alone, never on what was computed: so a picture
comes out the same whatever is painted beside it, on any device and after any restart, and how long
it takes is known in advance.

The shares below were chosen by measuring `sketch`; docs/models.md has the figures.
"""

MIN_STEPS = 20
"""Pictures of fewer steps are painted in full: those of distilled models have no step to spare."""

SETTLING = 0.2
"""Share of the steps, from the first one on, that are all computed: they compose the picture, and
the prediction changes most from one to the next (Ye et al., "Training-Free Adaptive Diffusion with
Bounded Difference Approximation Strategy", 2024)."""

GUIDED = 0.5
"""Share of the steps that are all guided. Later on, guidance matters less (Castillo et al.,
"Adaptive Guidance: Training-free Acceleration of Conditional Diffusion Models", 2023; Kynkäänniemi
et al., "Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in
Diffusion Models", 2024). To leave it out altogether changes pictures several times as much as to
compute it now and then and reuse the last difference in between."""


def forecasts(step: int, total_steps: int) -> bool:
    """Whether the prediction of a step is extrapolated from those of earlier ones.

    Every second one is, except while the picture settles and at its end.

    Args:
        step: Counted from 0.
        total_steps: Of the picture.
    """
    if total_steps < MIN_STEPS or step == total_steps - 1:
        return False
    settled = _since_settled(step, total_steps)
    return settled > 0 and settled % 2 == 1


def guides(step: int, total_steps: int) -> bool:
    """Whether the denoiser is called with the negative prompt, too, if it's called.

    After the first half of the picture every second call is, and the last.

    Args:
        step: Counted from 0.
        total_steps: Of the picture.
    """
    if total_steps < MIN_STEPS or step == total_steps - 1 or step < GUIDED * total_steps:
        return True
    return _since_settled(step, total_steps) % 4 < 2


def _since_settled(step: int, total_steps: int) -> int:
    return step - round(SETTLING * total_steps)
