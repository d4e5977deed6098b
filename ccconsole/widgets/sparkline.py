"""A figure's course in one line of a few cells."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccconsole.model.metrics import Points

_time, _value = itemgetter(0), itemgetter(1)
_BARS = "▁▂▃▄▅▆▇█"


def sparkline(points: Points, now: float, seconds: float, cells: int, top: float | None = None) -> str:
    """The greatest value of each part of the last `seconds`, of points in order, beside `top`.

    None: beside the greatest of all. Zero is the lowest bar and anything more at least the next one; where
    nothing was measured, a space.
    """
    if cells <= 0:
        return ""
    # A point's time ends its period. Those of a clock that is ahead are in the last part.
    ends = [now - seconds + seconds * cell / cells for cell in range(cells)]
    places = [*(bisect_right(points, end, key=_time) for end in ends), len(points)]
    parts = [max(map(_value, points[first:last]), default=None) for first, last in pairwise(places)]
    most = top or max((value for value in parts if value is not None), default=0.0)
    return "".join(_bar(value, most) for value in parts)


def _bar(value: float | None, most: float) -> str:
    if value is None:
        return " "
    if value <= 0 or most <= 0:
        return _BARS[0]
    return _BARS[max(1, min(len(_BARS) - 1, round(value / most * (len(_BARS) - 1))))]
