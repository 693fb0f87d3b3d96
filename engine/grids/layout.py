"""What a sheet is made of: its axes, and the jobs that paint its cells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

MAX_CELLS = 36
"""Pictures of one sheet."""

MAX_VALUES = 12
"""Of one axis: more would be too small to be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One direction of a sheet.

    Attributes:
        title: What changes along it; empty where nothing does.
        labels: What it is at each place; one empty label where nothing changes.
    """

    title: str
    labels: tuple[str, ...]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The axis of which `value` is what `asdict` has made."""
        return cls(title=value["title"], labels=tuple(value["labels"]))


NOTHING = Axis(title="", labels=("",))
"""The second axis of a sheet that has only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridLayout:
    """The axes of a sheet. Its cells are counted from 0, row by row.

    Attributes:
        columns: What changes from left to right.
        rows: What changes from top to bottom.
    """

    columns: Axis
    rows: Axis = NOTHING

    @property
    def count(self) -> int:
        """How many cells there are."""
        return len(self.columns.labels) * len(self.rows.labels)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes along which something changes."""
        return tuple(axis for axis in (self.columns, self.rows) if axis.title)

    def label(self, cell: int, called: Callable[[str], str] = str) -> str:
        """What a cell shows, such as “guidance 7 · seed 3”; `called` says it of a title."""
        row, column = divmod(cell, len(self.columns.labels))
        places = ((self.columns, column), (self.rows, row))
        return " · ".join(
            f"{called(axis.title)} {axis.labels[place]}" for axis, place in places if axis.title
        )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The layout of which `value` is what `asdict` has made."""
        return cls(**{name: Axis.from_json(axis) for name, axis in value.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A sheet as the store knows it.

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
    """The latest that is known of a sheet.

    Attributes:
        total: Cells that were asked for and are there.
        over: Those for which nothing more is to be done: painted, failed, cancelled or deleted.
        share: How much of the work is done, 0 to 1.
        begun: Whether anything has been painted, or is being.
        position: Place in the queue of the first cell that waits, 1 for the next one.
        seconds_left: Estimate until the last one is there; `None` when nothing is learned yet.
    """

    total: int
    over: int
    share: float = 0.0
    begun: bool = False
    position: int | None = None
    seconds_left: float | None = None

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self.over == self.total
