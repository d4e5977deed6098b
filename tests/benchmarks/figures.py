"""What a benchmark tells: a figure of ours, what it was measured beside, and what is wanted of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Protocol

RATIO = "x"
"""The unit of a limit on the ratio of ours to the other's, where any other unit is one of ours."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What is wanted: at least or at most so much, of the ratio (`x`) or of the figure itself."""

    amount: float
    unit: str = RATIO
    is_most: bool = False

    def __str__(self) -> str:
        unit = self.unit if self.unit in (RATIO, "%") else f" {self.unit}"
        return f"{'<=' if self.is_most else '>='} {self.amount:g}{unit}"


def at_least(amount: float, unit: str = RATIO) -> Limit:
    """No less than this."""
    return Limit(amount, unit)


def at_most(amount: float, unit: str = RATIO) -> Limit:
    """No more than this."""
    return Limit(amount, unit, is_most=True)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `other` is in the same unit, measured in the same run."""

    what: str
    ours: float
    unit: str
    against: str = ""
    other: float | None = None
    wanted: Limit | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the other's; None without one."""
        return self.ours / self.other if self.other else None

    @property
    def is_met(self) -> bool | None:
        """Whether what is wanted is so; None where nothing is wanted or it could not be measured."""
        if self.wanted is None:
            return None
        value = self.ratio if self.wanted.unit == RATIO else self.ours
        if value is None:
            return None
        return value <= self.wanted.amount if self.wanted.is_most else value >= self.wanted.amount


@dataclass(frozen=True, slots=True)
class Missing:
    """What could not be measured here, and why."""

    what: str
    why: str


class Benchmark(Protocol):
    """A module of this folder: its docstring says how it measures, its first line is its title."""

    def figures(self, scale: float) -> Iterator[Figure | Missing]:
        """Measure, each line as soon as it is there; a scale below 1 measures less, faster and rougher."""
        ...


HEADER = ("", "ours", "beside it", "ratio", "wanted", "")
WIDTHS = (46, 15, 30, 8, 11, 6)


def cells(line: Figure | Missing) -> tuple[str, ...]:
    """A row of the table, without its padding."""
    if isinstance(line, Missing):
        return (line.what, "not measured", line.why, "", "", "")
    other = "" if line.other is None else f"{_number(line.other)} {line.unit}"
    verdict = {True: "met", False: "MISSED", None: ""}[line.is_met]
    return (
        line.what,
        f"{_number(line.ours)} {line.unit}",
        " ".join(word for word in (line.against, other) if word),
        "" if line.ratio is None else f"{line.ratio:.2f}x" if line.ratio < 10 else f"{line.ratio:.0f}x",
        "" if line.wanted is None else str(line.wanted),
        verdict,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def text(row: tuple[str, ...]) -> str:
    """A row for a terminal."""
    return " ".join(cell.ljust(width) for cell, width in zip(row, WIDTHS, strict=True)).rstrip()


def markdown(row: tuple[str, ...]) -> str:
    """A row for a document."""
    return f"| {' | '.join(row)} |"


def to_json(line: Figure | Missing) -> str:
    """One line of JSON."""
    return json.dumps(asdict(line))


def from_json(line: str) -> Figure | Missing:
    """Back from one line of JSON."""
    data = json.loads(line)
    if "why" in data:
        return Missing(**data)
    wanted = data.pop("wanted")
    return Figure(**data, wanted=Limit(**wanted) if wanted else None)
