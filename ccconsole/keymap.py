"""The settings file: other keys for the commands, and the theme; every mistake is told at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli
from textual.binding import Binding

from ccconsole import commands
from ccconsole.commands import Place
from ccconsole.errors import ConfigError

_MODIFIERS = {"ctrl", "shift", "alt", "super", "meta", "hyper"}
_KEY_NAME = re.compile(r"[a-z][a-z0-9_]*|\S")


@dataclass(frozen=True)
class Settings:
    """What a user set."""

    keymap: Mapping[str, str] = field(default_factory=dict)
    """Command id -> Textual key names, comma-separated."""
    theme: str | None = None


def load(path: Path) -> Settings:
    """Read the settings; ConfigError with all mistakes. A missing file is all defaults."""
    try:
        document = tomli.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML", str(error)) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read", error.strerror or str(error)) from error
    problems = [
        f"{key}: unknown; there are keys and theme" for key in document if key not in ("keys", "theme")
    ]
    theme = document.get("theme")
    if theme is not None and not isinstance(theme, str):
        problems.append("theme: expected a name in quotes")
    keymap, key_problems = keymap_of(document.get("keys", {}))
    if problems := [*problems, *key_problems]:
        count = len(problems)
        title = f"{path}: {count} mistake{'' if count == 1 else 's'}"
        raise ConfigError(
            title, "\n".join(problems), "Press ? in the console for the commands' ids and keys."
        )
    return Settings(keymap, theme)


def keymap_of(table: Any) -> tuple[dict[str, str], list[str]]:
    """The keymap that a [keys] table means, and what is wrong with it."""
    if not isinstance(table, Mapping):
        return {}, ["keys: expected a table, [keys]"]
    keymap: dict[str, str] = {}
    problems: list[str] = []
    for name, value in table.items():
        if name not in commands.BY_ID:
            near = difflib.get_close_matches(name, commands.BY_ID, n=1)
            problems.append(f"keys.{name}: no such command" + (f"; did you mean {near[0]}?" if near else ""))
        elif not isinstance(value, str) or not value.strip():
            problems.append(f'keys.{name}: expected keys in quotes, for example "ctrl+y" or "y,f5"')
        else:
            written = [key.strip() for key in value.split(",")]
            wrong = [f"keys.{name}: {key!r} is no key" for key in written if not _is_key(key)]
            problems += wrong
            if not wrong:
                keymap[name] = ",".join(_keys(value))
    return keymap, [*problems, *_clashes(keymap)]


def _keys(keys: str) -> list[str]:
    """Textual's names of comma-separated keys: `/` as `slash`."""
    return [binding.key for binding in Binding.make_bindings([Binding(keys, "none")])]


def _is_key(key: str) -> bool:
    *modifiers, name = key.split("+") if len(key) > 1 else [key]
    return set(modifiers) <= _MODIFIERS and _KEY_NAME.fullmatch(name) is not None


def _clashes(keymap: Mapping[str, str]) -> Iterator[str]:
    """Keys that would mean two commands on one screen; each pair is told once."""
    told: set[tuple[str, ...]] = set()
    for place in Place:
        owners: dict[str, list[str]] = {}
        for command in commands.at(place):
            keys = keymap.get(command.id, command.keys)
            for key in _keys(keys) if keys else ():
                owners.setdefault(key, []).append(command.id)
        for key, ids in owners.items():
            pair = (key, *sorted(ids))
            if len(ids) > 1 and pair not in told and any(name in keymap for name in ids):
                told.add(pair)
                yield f"keys: {key} would be both {' and '.join(sorted(ids))}"
