"""The one door for what verbs print: data to stdout as a table, JSON, NDJSON or YAML; problems to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO

from wcwidth import wcswidth

from ccconsole.errors import ConsoleError
from ccconsole.model.problem import Problem

BROKEN_PIPE = 141
"""The exit code of a command whose reader went away: 128 and SIGPIPE, as shells report it."""
Row = Mapping[str, Any]
_COLORS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "dim": 2}


class Format(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    YAML = "yaml"


@dataclass(frozen=True)
class Column:
    """One column of a table: its title, the text of a row, and a colour's name for that text."""

    title: str
    text: Callable[[Row], str]
    color: Callable[[Row], str | None] = lambda _: None


def rows(rows: Sequence[Row], format: Format, columns: Sequence[Column]) -> None:
    """Print a listing; the machine formats hold the whole rows, a table the columns."""
    if format is Format.TABLE:
        text = _table(rows, columns)
    elif format is Format.NDJSON:
        text = "".join(f"{_json(row)}\n" for row in rows)
    elif format is Format.JSON:
        text = f"{_json(list(rows), indent=2)}\n"
    else:
        text = _yaml(list(rows))
    emit(text)


def table(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A listing for a person: its titles, then a line for each row."""
    return _table(rows, columns)


def record(row: Row, format: Format) -> None:
    """Print one thing whole: `key: value` lines in place of a table."""
    if format is Format.TABLE:
        text = _lines(row)
    elif format is Format.YAML:
        text = _yaml(dict(row))
    else:
        text = f"{_json(dict(row), indent=2 if format is Format.JSON else None)}\n"
    emit(text)


def emit(text: str) -> None:
    """Write to stdout at once. Ends the process quietly, with BROKEN_PIPE, when nobody reads any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        close_stdout()
        raise SystemExit(BROKEN_PIPE) from None


def close_stdout() -> None:
    """Send what is still to come nowhere, so that the interpreter's last flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def note(text: str) -> None:
    """Progress and hints, on stderr; silent when nobody reads it."""
    _complain("\n".join(plain(line) for line in text.splitlines()))


def ask(text: str) -> None:
    """A question on stderr; the answer is typed behind it."""
    sys.stderr.write(plain(text))
    sys.stderr.flush()


def passing(text: str) -> None:
    """What is going on, on stderr: on a terminal a line that the next one replaces, else a line."""
    if not sys.stderr.isatty():
        _complain(plain(text))
        return
    width = os.get_terminal_size(sys.stderr.fileno()).columns
    sys.stderr.write(f"\r\x1b[K{plain(text)[: max(0, width - 1)]}")
    sys.stderr.flush()


def settled(text: str, color: str | None = None) -> None:
    """A line on stderr in place of the passing one."""
    start = "\r\x1b[K" if sys.stderr.isatty() else ""
    _complain(start + styled(plain(text), color, sys.stderr))


def error(problem: ConsoleError | Problem) -> None:
    """`error: title`, then what it means and what mends it, on stderr."""
    name = problem.environment if isinstance(problem, Problem) else ""
    where = f"{name}: " if name not in problem.title else ""
    _complain(f"{styled('error:', 'red', sys.stderr)} {plain(where + problem.title)}")
    for line in problem.detail.splitlines():
        _complain(f"  {plain(line)}")
    if problem.hint:
        _complain(f"  {styled('hint:', 'cyan', sys.stderr)} {plain(problem.hint)}")


def styled(text: str, color: str | None, stream: TextIO) -> str:
    """The text in colour where the stream is a terminal and NO_COLOR is not set."""
    if color is None or not has_color(stream):
        return text
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m"


def has_color(stream: TextIO) -> bool:
    """Whether colours reach a person who wants them (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def plain(text: str) -> str:
    """One line of somebody else's text, without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def _complain(text: str) -> None:
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except BrokenPipeError:
        return


def _table(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    cells = [[plain(column.text(row)) for column in columns] for row in rows]
    titles = [column.title for column in columns]
    widths = [max(_width(line[n]) for line in [titles, *cells]) for n in range(len(columns))]
    colors: list[list[str | None]] = [
        ["dim"] * len(columns),
        *([column.color(row) for column in columns] for row in rows),
    ]
    lines: list[str] = []
    for line, line_colors in zip([titles, *cells], colors, strict=True):
        padded = [
            styled(text, color, sys.stdout) + " " * (width - _width(text))
            for text, width, color in zip(line, widths, line_colors, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"


def _lines(row: Row) -> str:
    shown = {key: _flat(value) for key, value in row.items()}
    width = max((len(key) for key in shown), default=0)
    return "".join(f"{styled(f'{key}:'.ljust(width + 1), 'dim', sys.stdout)} {shown[key]}\n" for key in shown)


def _flat(value: Any) -> str:
    """A value on one line, for a person."""
    if value is None or value in ({}, []):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_flat(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(_flat(item) for item in value)
    return plain(str(value))


def _width(text: str) -> int:
    return max(0, wcswidth(text))


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, separators=None if indent else (",", ":"))


def _yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return text
