"""All stops, in the order of the way."""

from __future__ import annotations

from .kept import KEPT
from .machines import MACHINES
from .menus import MENUS
from .pictures import PICTURES
from .ruling import RULING
from .stops import Stop
from .trainings import TRAININGS
from .typed import TYPED

STOPS: list[Stop] = [*TYPED, *PICTURES, *MENUS, *KEPT, *RULING, *TRAININGS, *MACHINES]
