"""The models that people may paint with, as the settings name them."""

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.errors import UnknownModel
from engine.settings import BUILT_IN_MODEL, ModelSettings

SKETCH_FOLDER = Path(__file__).parent / "sketch"

RATIOS: Mapping[str, float] = {
    "1:1": 1.0,
    "4:3": 4 / 3,
    "3:4": 3 / 4,
    "3:2": 3 / 2,
    "2:3": 2 / 3,
    "16:9": 16 / 9,
    "9:16": 9 / 16,
}


class Size(NamedTuple):
    """A size on offer: `ratio` is its name, the sides are in pixels."""

    ratio: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry of the catalogue. Sides are in pixels."""

    name: str
    source: str
    description: str
    revision: str | None
    variant: str | None
    dtype: str
    width: int
    height: int
    min_side: int
    max_side: int
    multiple_of: int
    num_inference_steps: int
    max_steps: int
    guidance_scale: float
    scheduler: str
    ratios: tuple[str, ...] = tuple(RATIOS)

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes to offer: each ratio at about the area of the default size, where it fits."""
        sizes: dict[tuple[int, int], Size] = {}
        for ratio in self.ratios:
            width, height = self._sides(RATIOS[ratio])
            if min(width, height) >= self.min_side:
                sizes.setdefault((width, height), Size(ratio, width, height))
        return tuple(sizes.values())

    def _sides(self, ratio: float) -> tuple[int, int]:
        """Width and height of that ratio; smaller in both where one would be too long."""
        largest = self.max_side // self.multiple_of * self.multiple_of
        width = math.sqrt(self.width * self.height * ratio)
        height = width / ratio
        scale = min(1.0, largest / max(width, height))
        return self._rounded(width * scale), self._rounded(height * scale)

    def _rounded(self, side: float) -> int:
        return round(side / self.multiple_of) * self.multiple_of


SKETCH = Model(
    name=BUILT_IN_MODEL,
    source=str(SKETCH_FOLDER),
    description="Built in: flat little illustrations of simple things",
    revision=None,
    variant=None,
    dtype="auto",
    width=128,
    height=128,
    min_side=96,
    max_side=192,
    multiple_of=16,
    num_inference_steps=20,
    max_steps=150,
    guidance_scale=3.0,
    scheduler="default",
    ratios=("1:1", "3:2", "2:3"),
)


class Catalogue:
    """The configured models by name, the built-in one always among them."""

    def __init__(self, models: Mapping[str, ModelSettings], default: str) -> None:
        """Raises `UnknownModel` when `default` is not configured."""
        self._models = {SKETCH.name: SKETCH} | {
            name: Model(name=name, **settings.model_dump()) for name, settings in models.items()
        }
        self.default = self[default]

    def __getitem__(self, name: str) -> Model:
        """The model called `name`.

        Raises:
            UnknownModel: With the nearest name that exists.
        """
        try:
            return self._models[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._models, n=1)
            hint = f" Did you mean “{near[0]}”?" if near else ""
            known = ", ".join(self._models)
            raise UnknownModel(f"There is no model “{name}”.{hint} Known: {known}.") from None

    def find(self, name: str | None) -> Model:
        """The model called `name`, or the default one when there is none of that name."""
        return self.default if name is None else self._models.get(name, self.default)

    def __contains__(self, name: object) -> bool:
        return name in self._models

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)
