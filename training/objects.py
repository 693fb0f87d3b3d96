"""How each thing is drawn: one function a thing, in the unit box of a `Pen`."""

from __future__ import annotations

import math
from collections.abc import Callable

from training.palette import CREAM, INK, LEAF, WOOD, mix
from training.pen import Pen, around

CLEAR = (255, 255, 252)
SKY_GLASS = (214, 236, 246)


def circle(pen: Pen) -> None:
    pen.ellipse(0, 0, 0.92)
    pen.ellipse(-0.34, -0.38, 0.2, 0.16, pen.light)


def square(pen: Pen) -> None:
    pen.rectangle(-0.84, -0.84, 0.84, 0.84, radius=0.1)
    pen.rectangle(-0.6, -0.62, -0.2, -0.48, pen.light, radius=0.07)


def triangle(pen: Pen) -> None:
    pen.polygon([(0, -0.9), (0.98, 0.84), (-0.98, 0.84)])
    pen.polygon([(-0.02, -0.36), (-0.14, -0.36), (-0.42, 0.14), (-0.3, 0.14)], pen.light)


def star(pen: Pen) -> None:
    outer, inner = around(5, 1.0, y=0.06), around(5, 0.46, y=0.06, turn=math.pi / 5)
    pen.polygon([p for pair in zip(outer, inner, strict=True) for p in pair])
    pen.ellipse(-0.14, -0.2, 0.11, 0.11, pen.light)


def heart(pen: Pen) -> None:
    turns = [2 * math.pi * step / 60 for step in range(60)]
    pen.polygon(
        [
            (
                16 * math.sin(t) ** 3 / 17.2,
                -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t))
                / 16
                - 0.12,
            )
            for t in turns
        ]
    )
    pen.ellipse(-0.46, -0.42, 0.17, 0.14, pen.light)


def house(pen: Pen) -> None:
    pen.rectangle(0.36, -0.82, 0.6, -0.2, pen.dark)
    pen.rectangle(-0.72, -0.2, 0.72, 0.95)
    pen.polygon([(0, -0.96), (0.98, -0.12), (-0.98, -0.12)], pen.dark)
    pen.polygon([(0, -0.78), (0.66, -0.2), (-0.66, -0.2)], mix(pen.dark, pen.main, 0.35))
    pen.rectangle(-0.52, 0.22, -0.1, 0.95, WOOD, radius=0.06)
    pen.ellipse(-0.19, 0.6, 0.045, 0.045, CREAM)
    pen.rectangle(0.14, 0.16, 0.54, 0.56, CREAM)
    pen.line([(0.34, 0.16), (0.34, 0.56)], 0.06)
    pen.line([(0.14, 0.36), (0.54, 0.36)], 0.06)


def tree(pen: Pen) -> None:
    pen.rectangle(-0.15, 0.2, 0.15, 0.97, WOOD)
    for x, y, radius in ((-0.4, 0.06, 0.44), (0.4, 0.06, 0.44), (0, -0.4, 0.54), (0, 0.1, 0.4)):
        pen.ellipse(x, y, radius)
    pen.ellipse(-0.2, -0.56, 0.18, 0.15, pen.light)
    pen.ellipse(-0.5, -0.04, 0.13, 0.11, pen.light)


def moon(pen: Pen) -> None:
    outer = [(0.18 + 0.92 * math.cos(a), 0.92 * math.sin(a)) for a in _turns(0.292, 1.708)]
    inner = [(0.62 + 0.74 * math.cos(a), 0.74 * math.sin(a)) for a in _turns(1.552, 0.448)]
    pen.polygon([(x - 0.1, y) for x, y in outer + inner])
    pen.ellipse(-0.52, 0.1, 0.12, 0.12, pen.light)
    pen.ellipse(-0.36, 0.46, 0.08, 0.08, pen.light)


def _turns(first: float, last: float) -> list[float]:
    return [math.pi * (first + (last - first) * step / 40) for step in range(41)]


def flower(pen: Pen) -> None:
    pen.line([(0, -0.1), (0, 0.96)], 0.14, LEAF)
    pen.polygon([(0, 0.86), (0.5, 0.5), (0.42, 0.78)], LEAF)
    pen.polygon([(0, 0.86), (-0.5, 0.5), (-0.42, 0.78)], LEAF)
    for x, y in around(6, 0.4, y=-0.3):
        pen.ellipse(x, y, 0.3, 0.3, pen.dark)
        pen.ellipse(x, y, 0.26)
    pen.ellipse(0, -0.3, 0.25, 0.25, CREAM if pen.main[2] < 120 else (250, 206, 84))


def fish(pen: Pen) -> None:
    pen.polygon([(0.4, 0), (0.96, -0.5), (0.86, 0), (0.96, 0.5)], pen.dark)
    pen.polygon([(-0.2, -0.4), (0.16, -0.74), (0.34, -0.3)], pen.dark)
    pen.polygon([(-0.1, 0.4), (0.14, 0.68), (0.28, 0.32)], pen.dark)
    pen.ellipse(-0.18, 0, 0.76, 0.5)
    pen.ellipse(0.12, 0.02, 0.14, 0.2, pen.light)
    pen.ellipse(-0.58, -0.1, 0.14, 0.14, CLEAR)
    pen.ellipse(-0.6, -0.1, 0.075, 0.075, INK)


def boat(pen: Pen) -> None:
    pen.rectangle(-0.05, -0.94, 0.05, 0.4, WOOD)
    pen.polygon([(0.12, -0.84), (0.8, 0.26), (0.12, 0.26)], CLEAR)
    pen.polygon([(-0.12, -0.56), (-0.66, 0.26), (-0.12, 0.26)], mix(CLEAR, pen.main, 0.35))
    pen.polygon([(-0.98, 0.36), (0.98, 0.36), (0.62, 0.92), (-0.62, 0.92)])
    pen.line([(-0.86, 0.5), (0.86, 0.5)], 0.08, pen.light)


def mountain(pen: Pen) -> None:
    pen.polygon([(0.44, -0.3), (1.0, 0.84), (-0.2, 0.84)], pen.dark)
    pen.polygon([(-0.2, -0.84), (0.66, 0.84), (-1.0, 0.84)])
    snow = [(-0.2, -0.84), (0.06, -0.33), (-0.1, -0.44), (-0.22, -0.26), (-0.34, -0.44)]
    pen.polygon([*snow, (-0.46, -0.33)], (250, 252, 255))


def sun(pen: Pen) -> None:
    for index in range(10):
        turn = math.pi * index / 5
        tip = around(1, 0.98, turn=turn)[0]
        feet = [around(1, 0.66, turn=turn + side)[0] for side in (-0.19, 0.19)]
        pen.polygon([tip, *feet])
    pen.ellipse(0, 0, 0.62, 0.62, pen.dark)
    pen.ellipse(0, 0, 0.56)
    pen.ellipse(-0.2, -0.22, 0.13, 0.11, pen.light)


def cloud(pen: Pen) -> None:
    for x, y, radius in ((-0.52, 0.16, 0.4), (0.54, 0.18, 0.38), (-0.12, -0.14, 0.5)):
        pen.ellipse(x, y, radius)
    pen.ellipse(0.3, -0.02, 0.42)
    pen.rectangle(-0.56, 0.1, 0.56, 0.56)
    pen.ellipse(-0.2, -0.3, 0.22, 0.16, pen.light)


def car(pen: Pen) -> None:
    pen.polygon([(-0.56, -0.06), (-0.34, -0.54), (0.3, -0.54), (0.6, -0.06)])
    pen.rectangle(-0.98, -0.1, 0.98, 0.42, radius=0.16)
    pen.polygon([(-0.4, -0.08), (-0.26, -0.42), (-0.06, -0.42), (-0.06, -0.08)], SKY_GLASS)
    pen.polygon([(0.06, -0.08), (0.06, -0.42), (0.24, -0.42), (0.44, -0.08)], SKY_GLASS)
    pen.rectangle(-0.98, 0.04, -0.84, 0.18, CREAM)
    for x in (-0.52, 0.52):
        pen.ellipse(x, 0.4, 0.26, 0.26, INK)
        pen.ellipse(x, 0.4, 0.11, 0.11, (216, 216, 220))


def cat(pen: Pen) -> None:
    for side in (-1, 1):
        pen.polygon([(0.84 * side, -0.9), (0.14 * side, -0.5), (0.82 * side, 0)])
        pen.polygon(
            [(0.7 * side, -0.64), (0.36 * side, -0.44), (0.7 * side, -0.18)], (246, 176, 184)
        )
    pen.ellipse(0, 0.14, 0.88, 0.72)
    for side in (-1, 1):
        pen.ellipse(0.36 * side, 0.06, 0.17, 0.19, CLEAR)
        pen.ellipse(0.35 * side, 0.08, 0.09, 0.14, INK)
        pen.line([(0.46 * side, 0.42), (0.98 * side, 0.34)], 0.05)
        pen.line([(0.46 * side, 0.52), (0.96 * side, 0.58)], 0.05)
    pen.polygon([(-0.12, 0.32), (0.12, 0.32), (0, 0.46)], (238, 128, 140))
    pen.line([(-0.16, 0.6), (0, 0.5), (0.16, 0.6)], 0.06)


def apple(pen: Pen) -> None:
    pen.line([(0, -0.4), (0.1, -0.94)], 0.13, WOOD)
    pen.polygon([(0.1, -0.62), (0.34, -0.9), (0.72, -0.86), (0.5, -0.6)], LEAF)
    pen.ellipse(-0.34, 0.16, 0.54, 0.66)
    pen.ellipse(0.34, 0.16, 0.54, 0.66)
    pen.ellipse(0, 0.3, 0.5, 0.62)
    pen.ellipse(-0.5, -0.08, 0.14, 0.2, pen.light)


def mushroom(pen: Pen) -> None:
    pen.rectangle(-0.3, -0.1, 0.3, 0.95, CREAM, radius=0.22)
    cap = [(0.96 * math.cos(a), 0.14 + 1.04 * math.sin(a)) for a in _turns(1.0, 2.0)]
    pen.polygon(cap)
    pen.ellipse(0, 0.14, 0.96, 0.14)
    spots = mix(CLEAR, pen.dark, 0.3) if sum(pen.main) > 700 else CLEAR
    for x, y, radius in ((-0.46, -0.16, 0.16), (0.06, -0.5, 0.19), (0.5, -0.08, 0.14)):
        pen.ellipse(x, y, radius, radius, spots)


def balloon(pen: Pen) -> None:
    pen.line([(0, 0.5), (0.08, 0.72), (-0.04, 0.97)], 0.06)
    pen.polygon([(0, 0.4), (0.16, 0.6), (-0.16, 0.6)], pen.dark)
    pen.ellipse(0, -0.24, 0.62, 0.72)
    pen.ellipse(-0.24, -0.5, 0.13, 0.18, pen.light)


def umbrella(pen: Pen) -> None:
    pen.line([(0, -0.2), (0, 0.72), (0.08, 0.86), (0.22, 0.86), (0.3, 0.7)], 0.11, WOOD)
    dome = [(0.96 * math.cos(a), 0.16 + 1.04 * math.sin(a)) for a in _turns(1.0, 2.0)]
    pen.polygon(dome)
    pen.polygon([(0, -0.88), (0.32, 0.16), (-0.32, 0.16)], pen.light)
    for x in (-0.64, 0.0, 0.64):
        pen.ellipse(x, 0.17, 0.3, 0.12, pen.dark)


DRAW_THING: dict[str, Callable[[Pen], None]] = {
    function.__name__: function
    for function in (
        circle,
        square,
        triangle,
        star,
        heart,
        house,
        tree,
        moon,
        flower,
        fish,
        boat,
        mountain,
        sun,
        cloud,
        car,
        cat,
        apple,
        mushroom,
        balloon,
        umbrella,
    )
}
