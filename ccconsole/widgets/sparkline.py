"""A figure's course in one line of a few cells."""

from __future__ import annotations

import math

from ccconsole.model import Points

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(points: Points, now: float, seconds: float, cells: int, top: float | None = None) -> str:
    """The greatest value of each part of the last `seconds`, beside `top` (None: the greatest of all).

    Zero is the lowest bar and anything more at least the next one; where nothing was measured, a space.
    """
    if cells <= 0:
        return ""
    start = now - seconds
    parts: list[float | None] = [None] * cells
    for time, value in points:
        # A point's time ends its period.
        place = min(math.ceil((time - start) / seconds * cells), cells) - 1
        if time > start and (parts[place] is None or value > (parts[place] or 0.0)):
            parts[place] = value
    most = top or max((value for value in parts if value is not None), default=0.0)
    return "".join(_bar(value, most) for value in parts)


def _bar(value: float | None, most: float) -> str:
    if value is None:
        return " "
    if value <= 0 or most <= 0:
        return _BARS[0]
    return _BARS[max(1, min(len(_BARS) - 1, round(value / most * (len(_BARS) - 1))))]
