"""Tables of deploy.toml as flat layers of checked settings, and the list of all that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ccconsole.config import values
from ccconsole.config.text import KeyPath, expanded, line_of

SERVICE_KEYS = (
    "region",
    "image",
    "cpu",
    "memory",
    "timeout",
    "concurrency",
    "instances",
    "public",
    "service_account",
    "smoke",
)
DEFAULT_KEYS = (*SERVICE_KEYS, "project", "repository", "service", "store", "impersonate", "protected")
ENVIRONMENT_KEYS = (*DEFAULT_KEYS, "local", "endpoint")
_TABLE_CHECKS = {"alerts": values.ALERT_CHECKS, "prices": values.PRICE_CHECKS}
TABLES = ("env", "secrets", "alerts")
_PLACEHOLDER_KEYS = ("service", "image", "store", "service_account", "impersonate", "secrets")


@dataclass(frozen=True)
class Setting:
    """One checked value, where it was declared, and the environment variables it lacks."""

    value: Any
    path: KeyPath
    unset: tuple[str, ...] = ()


Layer = dict[KeyPath, Setting]
"""("cpu",) or ("env", "LOG_LEVEL") -> its setting: what a deeper table declares replaces it."""


@dataclass
class Mistakes:
    """All that is wrong in one file, each with its place and what was expected."""

    name: str
    lines: Mapping[KeyPath, int]
    texts: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: KeyPath, text: str) -> None:
        """Note one, unless the same was noted before."""
        line = line_of(path, self.lines)
        place = f"{self.name}:{line}" if line else self.name
        note = (line or 0, f"{place}: {'.'.join(path)}: {text}" if path else f"{place}: {text}")
        if note not in self.texts:
            self.texts.append(note)

    def unknown(self, path: KeyPath, known: Iterable[str]) -> None:
        """Note a key that means nothing here, with the one that was probably meant."""
        choices = sorted(known)
        close = difflib.get_close_matches(path[-1], choices, n=1, cutoff=0.6)
        self.add(
            path,
            f"unknown; did you mean {close[0]}?" if close else f"unknown; known are {', '.join(choices)}",
        )

    def check(self, path: KeyPath, check: Callable[..., Any], *arguments: Any) -> bool:
        """Whether the check passes; what it raises is noted."""
        try:
            check(*arguments)
        except ValueError as error:
            self.add(path, str(error))
            return False
        return True


@dataclass(frozen=True)
class Reader:
    """Reads tables into layers; mistakes are collected, never raised."""

    environ: Mapping[str, str]
    mistakes: Mistakes

    def table(self, path: KeyPath, raw: Any) -> dict[str, Any]:
        """The raw table, or an empty one when it is none."""
        if isinstance(raw, dict):
            return raw
        self.mistakes.add(path, "expected a table")
        return {}

    def layer(self, path: KeyPath, raw: Any, keys: Iterable[str], tables: Iterable[str] = TABLES) -> Layer:
        """The settings of one table; `keys` and `tables` are what it may hold beside `services`."""
        layer: Layer = {}
        known, nested = tuple(keys), tuple(tables)
        for key, value in self.table(path, raw).items():
            if key in nested:
                for name, item in self.table((*path, key), value).items():
                    self._put(layer, path, (key, name), item)
            elif key in known:
                self._put(layer, path, (key,), value)
            else:
                self.mistakes.unknown((*path, key), (*known, *nested))
        return layer

    def _put(self, layer: Layer, table: KeyPath, key: KeyPath, raw: Any) -> None:
        path = (*table, *key)
        check = _check_of(key)
        if check is None:
            self.mistakes.unknown(path, _TABLE_CHECKS[key[0]])
            return
        value, unset = expanded(raw, self.environ) if isinstance(raw, str) else (raw, ())
        if unset:
            layer[key] = Setting(None, path, unset)
            return
        try:
            if key[0] in _PLACEHOLDER_KEYS and isinstance(value, str):
                check(value.replace("{env}", "x"))
                layer[key] = Setting(value, path)
            else:
                layer[key] = Setting(check(value), path)
        except ValueError as error:
            self.mistakes.add(path, str(error))


def _check_of(key: KeyPath) -> Callable[[Any], Any] | None:
    """The check of a flat key; None when there is no such key."""
    if key[0] == "env":
        return lambda value: values.variable(key[1], value)
    if key[0] == "secrets":
        return lambda value: values.secret(key[1], value)
    if key[0] in _TABLE_CHECKS:
        return _TABLE_CHECKS[key[0]].get(key[1])
    return values.CHECKS[key[0]]
