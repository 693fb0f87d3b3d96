"""What a grid is: its axes, and how far its cells are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

MAX_CELLS = 36
"""Pictures of one grid."""

MAX_VALUES = 12
"""Values of one axis: with more, the pictures would be too small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One direction of a grid.

    Attributes:
        title: What changes along it; empty if nothing does.
        labels: The value at each place; one empty label if nothing changes.
    """

    title: str
    labels: tuple[str, ...]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The axis that `asdict` turned into `value`."""
        return cls(title=value["title"], labels=tuple(value["labels"]))


NO_AXIS = Axis(title="", labels=("",))
"""The second axis of a grid that has only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridLayout:
    """The axes of a grid. Its cells are counted from 0, row by row.

    Attributes:
        columns: What changes from left to right.
        rows: What changes from top to bottom.
    """

    columns: Axis
    rows: Axis = NO_AXIS

    @property
    def count(self) -> int:
        """How many cells there are."""
        return len(self.columns.labels) * len(self.rows.labels)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes along which something changes."""
        return tuple(axis for axis in (self.columns, self.rows) if axis.title)

    def label(self, cell: int, translate: Callable[[str], str] = str) -> str:
        """What a cell shows, such as “guidance 7 · seed 3”; `translate` is applied to titles."""
        row, column = divmod(cell, len(self.columns.labels))
        places = ((self.columns, column), (self.rows, row))
        return " · ".join(
            f"{translate(axis.title)} {axis.labels[place]}" for axis, place in places if axis.title
        )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The layout that `asdict` turned into `value`."""
        return cls(**{name: Axis.from_json(axis) for name, axis in value.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A grid as it is stored.

    Attributes:
        id: Its number; it grows and is never used twice.
        owner: Who asked, in the caller's words (opaque here).
        message_ref: Where the answer belongs, any JSON value (opaque here).
        layout: Its axes.
        created_at: Seconds since the epoch.
    """

    id: int
    owner: str
    message_ref: Any
    layout: GridLayout
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GridProgress:
    """The progress of a grid.

    Attributes:
        total: Its cells, without those that were deleted.
        finished: Cells that are painted, failed or cancelled.
        share: How much of the work is done, 0 to 1.
        started: Whether a cell has been painted, or is being painted.
        position: Place in the queue of the first waiting cell, 1 for the next one.
        seconds_left: Estimate until the last cell is painted; `None` if nothing was measured yet.
    """

    total: int
    finished: int
    share: float = 0.0
    started: bool = False
    position: int | None = None
    seconds_left: float | None = None

    @property
    def complete(self) -> bool:
        """Whether no cell is left to paint."""
        return self.finished == self.total
