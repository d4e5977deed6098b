"""The options line of the prompt box: `mode=headless model=opus timeout=30m budget=2`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccconsole.screens.backend import Option

MODES = ("headless", "supervised", "interactive")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


class OptionError(ValueError):
    """An option that does not exist, or a value it does not take, in words."""


def _one_of(name: str, words: Sequence[str]) -> Callable[[str], Option]:
    def parsed(text: str) -> Option:
        if text not in words:
            raise OptionError(f"{name} is one of {', '.join(words)}")
        return text

    return parsed


def _seconds(name: str) -> Callable[[str], Option]:
    def parsed(text: str) -> Option:
        match = _DURATION.fullmatch(text)
        if not text or match is None:
            raise OptionError(f"{name} is a duration: 90s, 30m, 1h")
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = hours * 3600 + minutes * 60 + seconds
        if not 1 <= total <= 3600:
            raise OptionError(f"{name} is between 1s and 60m, Cloud Run's limit")
        return total

    return parsed


def _number(low: int, high: int) -> Callable[[str], Option]:
    def parsed(text: str) -> Option:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise OptionError(f"expected a whole number, {low} to {high}, found {text!r}")
        return int(text)

    return parsed


def _money(text: str) -> Option:
    try:
        value = float(text.removeprefix("$"))
    except ValueError:
        raise OptionError(f"budget is dollars, for example 1.50, found {text!r}") from None
    if not 0 < value < 1e6:
        raise OptionError("budget is more than nothing")
    return value


def _word(text: str) -> Option:
    if not text:
        raise OptionError("a value is missing after =")
    return text


OPTIONS: Mapping[str, tuple[str, Callable[[str], Option]]] = {
    "mode": ("mode", _one_of("mode", MODES)),
    "model": ("model", _word),
    "timeout": ("timeout_seconds", _seconds("timeout")),
    "turns": ("max_turns", _number(1, 10_000)),
    "budget": ("max_budget_usd", _money),
    "priority": ("priority", _number(1, 10)),
    "permissions": ("permission_mode", _word),
    "resume": ("resume", _word),
    "workspace": ("workspace", _word),
    "disconnect": ("on_disconnect", _one_of("disconnect", ("cancel", "detach"))),
    "wait": ("permission_timeout_seconds", _seconds("wait")),
    "unanswered": ("permission_default", _one_of("unanswered", ("allow", "deny"))),
}
"""What is written -> RunRequest's field, and how its value is read."""


def parsed(line: str) -> dict[str, Option]:
    """The options by RunRequest's names; OptionError for the first that is wrong."""
    options: dict[str, Option] = {}
    for word in line.split():
        name, equals, value = word.partition("=")
        if name not in OPTIONS or not equals:
            raise OptionError(f"no option {word!r}; there are {', '.join(f'{known}=' for known in OPTIONS)}")
        field, read = OPTIONS[name]
        options[field] = read(value)
    return options


def written(options: Mapping[str, Option]) -> str:
    """The line for these options; `parsed` reads it back."""
    words = []
    for name, (field, _read) in OPTIONS.items():
        if field in options:
            value = options[field]
            words.append(f"{name}={_span(value) if name in ('timeout', 'wait') else value}")
    return " ".join(words)


def _span(seconds: Option) -> str:
    total = int(float(seconds))
    return f"{total // 60}m" if total % 60 == 0 else f"{total}s"
