"""Plots of the last day, as coordinates for SVG that templates draw."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 120
"""Of the plotted area, in SVG's own units."""

DAY = 24 * 3600.0

BARS = 60
BAR_SECONDS = (5, 10, 15, 30, 60, 120, 300, 600, 1440)
"""How many bars there are, and what each may sum up: 5 minutes in all at least, at most a day."""

MAX_POINTS = 300

GAP = 120.0
"""Seconds between two points from which on nothing is known of the time between them."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a plot shows, in seconds since the epoch."""

    begin: float
    end: float

    def x(self, at: float) -> float:
        """Where a moment is."""
        return WIDTH * (at - self.begin) / (self.end - self.begin)

    @property
    def bar_seconds(self) -> float:
        """What each bar sums up."""
        return (self.end - self.begin) / BARS

    @property
    def ticks(self) -> list[float]:
        """The moments that are named: the beginning, the middle and the end."""
        return [self.begin, (self.begin + self.end) / 2, self.end]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: how much between which moments, and where it is."""

    begin: float
    end: float
    amount: float
    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line with the area below it, as SVG paths, and its name."""

    name: str
    path: str
    area: str


def span_of(first: float, now: float) -> Span:
    """What to show if there is something from `first` on: at most a day.

    It begins and ends where bars do, whenever one looks, so that they don't change their heights.
    """
    wanted = min(now - first, DAY) / BARS
    step = next(seconds for seconds in BAR_SECONDS if seconds >= wanted)
    end = math.ceil(now / step) * step
    return Span(end - BARS * step, end)


def bars(amounts: Iterable[tuple[float, float]], span: Span) -> tuple[list[Bar], float]:
    """Sum up amounts by their moments; the bars, those of nothing left out, and the axis' top."""
    step = span.bar_seconds
    sums = [0.0] * BARS
    for at, amount in amounts:
        place = int((at - span.begin) / step)
        if at - span.begin >= 0 and place <= BARS:
            sums[min(place, BARS - 1)] += amount
    top = nice(max(sums))
    width = WIDTH / BARS
    found = [
        Bar(
            span.begin + place * step,
            span.begin + (place + 1) * step,
            amount,
            round(place * width + 1, 1),
            round(width - 2, 1),
            round(HEIGHT * amount / top, 1),
        )
        for place, amount in enumerate(sums)
        if amount
    ]
    return found, top


def line(name: str, points: Sequence[tuple[float, float]], top: float, span: Span) -> Line:
    """A line through points by their moments, in order; it is broken where nothing is known."""
    every = max(1, math.ceil(len(points) / MAX_POINTS))
    thinned = [*points[:-1:every], *points[-1:]]
    path, area, part = [], [], list[tuple[float, float]]()
    for number, (at, value) in enumerate(thinned):
        x, y = round(span.x(at), 1), round(HEIGHT * (1 - min(1.0, value / top)), 1)
        part.append((x, y))
        following = thinned[number + 1][0] if number + 1 < len(thinned) else math.inf
        if following - at > GAP * every:
            drawn = " L".join(f"{x} {y}" for x, y in part)
            path.append(f"M{drawn}")
            area.append(f"M{part[0][0]} {HEIGHT} L{drawn} L{part[-1][0]} {HEIGHT} Z")
            part = []
    return Line(name, " ".join(path), " ".join(area))


def nice(most: float) -> float:
    """The next of 2, 4, 10, 20, 40, 100 … that is no less; half of it is whole."""
    power = 10.0 ** max(0, math.floor(math.log10(max(1.0, most))))
    return next(power * step for step in (1, 2, 4, 10) if power * step >= max(2.0, most))
