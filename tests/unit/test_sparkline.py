from __future__ import annotations

import pytest

from ccconsole.model.metrics import Points
from ccconsole.widgets.sparkline import sparkline


@pytest.mark.parametrize(
    ("points", "drawn"),
    [
        ((), "     "),
        (((90.0, 0.0), (100.0, 0.0)), "    ▁"),
        (((10.0, 1.0), (30.0, 2.0), (50.0, 4.0), (90.0, 0.0)), "▃▅█ ▁"),
        (((10.0, 0.001), (90.0, 1000.0)), "▂   █"),
        # The greatest of each part counts; what is before the window or after now does not hide.
        (((-5.0, 9.0), (1.0, 1.0), (19.0, 2.0), (100.0, 4.0), (101.0, 4.0)), "▅   █"),
    ],
)
def test_the_course_of_a_figure(points: Points, drawn: str) -> None:
    assert sparkline(points, now=100.0, seconds=100.0, cells=5) == drawn


def test_beside_a_fixed_top() -> None:
    assert sparkline(((50.0, 1.0), (90.0, 30.0)), now=100.0, seconds=100.0, cells=2, top=20.0) == "▂█"
