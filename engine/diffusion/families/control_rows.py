"""Which rows of a batch are controlled at a step, and what their networks add to all of them."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch

from engine.diffusion.families.control_networks import LoadedControl
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.sending import sent
from engine.errors import ModelUnavailable
from engine.jobs.control import Control
from engine.jobs.recipe import Recipe
from speech import say

NAME = "control"
"""Where a sample keeps its `SampleControl`, in `extra`."""


@dataclass(frozen=True, eq=False, slots=True)
class SampleControl:
    """What a sample is painted along.

    Attributes:
        control: What its recipe says.
        map: As the network takes it, with a batch of one.
        loaded: The network.
    """

    control: Control
    map: torch.Tensor
    loaded: LoadedControl


@dataclass(frozen=True, slots=True)
class ControlledRows:
    """The rows of a batch that one call of a network controls at a step.

    Attributes:
        loaded: The network.
        indices: Their places in the batch.
        batch: Their inputs alone.
        controls: What each is painted along.
    """

    loaded: LoadedControl
    indices: Sequence[int]
    batch: DenoiserBatch
    controls: Sequence[SampleControl]

    @property
    def maps(self) -> torch.Tensor:
        """Their maps, shape (rows, …)."""
        return torch.cat([each.map for each in self.controls])

    def strengths(self) -> torch.Tensor | None:
        """The strength of each, float32, shape (rows,); `None` if that changes nothing."""
        strengths = [each.control.strength for each in self.controls]
        if all(strength == 1 for strength in strengths):
            return None
        return sent(torch.tensor(strengths, dtype=torch.float32), self._device)

    def places(self, rows: int) -> torch.Tensor | None:
        """Their places among so many rows of a batch, shape (rows,); `None` if they are all."""
        if len(self.indices) == rows:
            return None
        return sent(torch.tensor(self.indices), self._device)

    @property
    def _device(self) -> torch.device:
        return self.controls[0].map.device


def control_of(sample: LatentSample) -> SampleControl | None:
    """What a sample is painted along at its current step."""
    found: SampleControl | None = sample.extra.get(NAME)
    counts = found is not None and found.control.counts(sample.step, sample.total_steps)
    return found if counts else None


def controlled_rows(
    batch: DenoiserBatch, apart: Callable[[LoadedControl], bool] = lambda loaded: False
) -> list[ControlledRows]:
    """The rows for each call of a network that counts at this step, in the order of the batch.

    Args:
        batch: All rows.
        apart: Whether a network has to be called for each sample on its own.
    """
    calls: dict[Hashable, list[tuple[int, SampleControl]]] = {}
    for index, sample in enumerate(batch.samples):
        if (control := control_of(sample)) is not None:
            call = (control.loaded, sample if apart(control.loaded) else None)
            calls.setdefault(call, []).append((index, control))
    return [
        ControlledRows(
            rows[0][1].loaded,
            [index for index, _ in rows],
            DenoiserBatch([batch.inputs[index] for index, _ in rows]),
            [control for _, control in rows],
        )
        for rows in calls.values()
    ]


def require_fit(loaded: LoadedControl, recipe: Recipe, *, fits: bool) -> None:
    """Raise `ModelUnavailable` if a network was made for another model than the recipe's."""
    if not fits:
        raise ModelUnavailable(
            say(
                "The control network “{name}” doesn't fit {model}: it was made for another model.",
                name=loaded.network.name,
                model=recipe.model,
            )
        )


def positive_rows(rows: ControlledRows) -> ControlledRows:
    """Those of the rows whose prompt is the positive one: the last of each sample."""
    samples = rows.batch.samples
    kept = [n for n, sample in enumerate(samples) if samples[n + 1 : n + 2] != [sample]]
    return ControlledRows(
        rows.loaded,
        [rows.indices[n] for n in kept],
        DenoiserBatch([rows.batch.inputs[n] for n in kept]),
        [rows.controls[n] for n in kept],
    )


def scaled(residual: torch.Tensor, strengths: torch.Tensor | None) -> torch.Tensor:
    """A network's output times the strength of each row, rounded once, as by one number.

    Args:
        residual: Shape (rows, …).
        strengths: Those of `ControlledRows.strengths`.
    """
    if strengths is None:
        return residual
    factors = strengths.view(-1, *[1] * (residual.dim() - 1))
    return (residual.float() * factors).to(residual.dtype)


def scattered(residual: torch.Tensor, places: torch.Tensor | None, rows: int) -> torch.Tensor:
    """The residual of some rows among all of a batch, zero for the others.

    Args:
        residual: Shape (its rows, …).
        places: Those of `ControlledRows.places`.
        rows: How many there are.
    """
    if places is None:
        return residual
    whole = residual.new_zeros((rows, *residual.shape[1:]))
    whole[places] = residual
    return whole
