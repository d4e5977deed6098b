"""Drawing a chart with plotext: braille lines over axes, as content whose colours are the theme's.

plotext keeps one figure per process: `drawn` holds a lock, and takes some 10 ms, so it is called in a thread.
Loaded when the first chart is drawn, never at the console's start.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import plotext
from textual.content import Content

from ccconsole.model.metrics import Points, ServiceMetrics
from ccconsole.paints import FAINT
from ccconsole.widgets.metrics.charts import Chart
from ccconsole.widgets.text import STYLES, Tone

_COLOURS = {
    Tone.BAD: 1,
    Tone.GOOD: 2,
    Tone.WARN: 3,
    Tone.ACTIVE: 4,
    Tone.LEAVING: 5,
    Tone.ACCENT: 6,
}
"""Tones by the numbers that plotext is given for them; they come back in its escape sequences."""
_TONES = {number: tone for tone, number in _COLOURS.items()}
_ESCAPE = re.compile(r"\x1b\[(?:0|38;5;(\d+))m")
_LEAST = (24, 5)
"""Columns and rows below which nothing can be read."""
_GAP = 1.5
"""Periods between two points from which on nothing was measured in between."""
_TIMES_APART = 14
"""Columns from one time of the axis to the next."""
_DAY = 86400.0
_lock = threading.Lock()


def drawn(
    chart: Chart,
    metrics: ServiceMetrics,
    limit: float | None,
    span: tuple[float, float],
    size: tuple[int, int],
) -> Content:
    """The chart from one time to another (seconds since the epoch), so many columns and rows large."""
    width, height = size
    if width < _LEAST[0] or height < _LEAST[1]:
        return Content("")
    plot: Any = plotext
    with _lock:
        plot.clear_figure()
        plot.theme("clear")
        plot.limit_size(False, False)
        plot.plot_size(width, height)
        top = _top(chart, metrics, limit)
        plot.xlim(*span)
        plot.ylim(0, top)
        plot.xticks(*_times(span, width))
        plot.yticks([0, top / 2, top], [chart.axis(value) for value in (0, top / 2, top)])
        plot.xaxes(True, False)
        plot.yaxes(True, False)
        if limit is not None and limit <= top:
            plot.hline(limit, _COLOURS[Tone.BAD])
        for line in chart.lines:
            series = metrics[line.name]
            for run in _runs(
                _thinned(chart.points(series), span, width), _GAP * _step(series.period, span, width)
            ):
                times, values = zip(*run, strict=True)
                plot.plot(list(times), list(values), marker="braille", color=_COLOURS[line.tone])
        return _content(plot.build())


def _top(chart: Chart, metrics: ServiceMetrics, limit: float | None) -> float:
    """Where the axis ends: above all values, at a round number."""
    values = [value for line in chart.lines for _, value in chart.points(metrics[line.name])]
    most = max([chart.least_top, *values])
    if limit is not None and (chart.least_top or most >= limit / 10):
        most = max(most, limit * 1.1)
    return next((top for top in chart.tops if top >= most), _rounded(most)) if most > 0 else 1.0


def _rounded(value: float) -> float:
    """The next number of one digit times a power of ten whose half is round as well."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 8, 10, 20) if step * power >= value * 0.9999)


def _step(period: float, span: tuple[float, float], width: int) -> float:
    """Seconds between two points that are drawn: the period, or half a column of braille dots."""
    return max(period, (span[1] - span[0]) / (2 * width))


def _thinned(points: Points, span: tuple[float, float], width: int) -> Points:
    """At most one point for each column of dots, the greatest: a peak must not vanish."""
    start, stop = span
    found: dict[int, tuple[float, float]] = {}
    for time, value in points:
        if time < start:
            continue
        place = int((time - start) / (stop - start) * 2 * width)
        if place not in found or value > found[place][1]:
            found[place] = (time, value)
    return tuple(found[place] for place in sorted(found))


def _runs(points: Points, gap: float) -> Iterator[Sequence[tuple[float, float]]]:
    """Points that belong together; where nothing was measured, no line is drawn."""
    run: list[tuple[float, float]] = []
    for point in points:
        if run and point[0] - run[-1][0] > gap:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _times(span: tuple[float, float], width: int) -> tuple[list[float], list[str]]:
    """Places of the time axis and their words, in the reader's own zone."""
    start, stop = span
    count = max(1, min(8, width // _TIMES_APART))
    places = [start + (stop - start) * number / count for number in range(count + 1)]
    form = "%H:%M" if stop - start <= _DAY else "%m-%d %H:%M" if stop - start <= 2 * _DAY else "%m-%d"
    return places, [datetime.fromtimestamp(place).astimezone().strftime(form) for place in places]


def _content(text: str) -> Content:
    lines = []
    for line in text.rstrip("\n").split("\n"):
        pieces, at, style = [], 0, FAINT
        for match in _ESCAPE.finditer(line):
            pieces.append(Content.styled(line[at : match.start()], style))
            number = match.group(1)
            style = FAINT if number is None else STYLES[_TONES[int(number)]]
            at = match.end()
        pieces.append(Content.styled(line[at:], style))
        lines.append(Content("").join(pieces))
    return Content("\n").join(lines)
