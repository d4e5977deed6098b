"""deploy.toml as text: where each key stands, and what its `$VARIABLES` stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping

KeyPath = tuple[str, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"\s*\[\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_INLINE_KEY = re.compile(rf"[{{,]\s*({_DOTTED})\s*=")

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_WHOLE = re.compile(rf"\$({_NAME}):(.*)", re.DOTALL)
_INSIDE = re.compile(rf"\$(?:(\$)|\{{({_NAME})(?::([^}}]*))?\}}|({_NAME}))")


def line_numbers(text: str) -> dict[KeyPath, int]:
    """Key path -> the line (from 1) that declares it, for tables, keys and the keys of inline tables.

    The text is expected to parse; what stands inside multi-line strings is left out.
    """
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    is_inside_string = False
    for number, line in enumerate(text.splitlines(), 1):
        was_inside_string = is_inside_string
        if (line.count('"""') + line.count("'''")) % 2:
            is_inside_string = not is_inside_string
        if was_inside_string:
            continue
        if match := _TABLE.match(line):
            table = _parts(match[1])
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            path = table + _parts(match[1])
            found.setdefault(path, number)
            for inline in _INLINE_KEY.finditer(line, match.end()):
                found.setdefault(path + _parts(inline[1]), number)
    return found


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """The line of the key, or of the nearest table around it."""
    for length in range(len(path), 0, -1):
        if (number := lines.get(path[:length])) is not None:
            return number
    return None


def expanded(value: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with its environment variables put in, and the names of those that are not set.

    `$NAME` and `${NAME}` anywhere; a default as `$NAME:default` when it is the whole text, or
    `${NAME:default}` anywhere; `$$` is a dollar sign. An empty variable counts as not set.
    """
    if match := _WHOLE.fullmatch(value):
        return environ.get(match[1]) or match[2], ()
    unset: list[str] = []

    def put_in(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[4]
        found = environ.get(name) or match[3]
        if found is None:
            unset.append(name)
        return found or ""

    return _INSIDE.sub(put_in, value), tuple(dict.fromkeys(unset))


def _parts(dotted: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
