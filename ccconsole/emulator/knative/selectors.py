"""Kubernetes' label selectors: `a = b`, `a != b`, `a in (b, c)`, `a notin (b, c)`, `a`, `!a` and commas.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ccconsole.emulator.faults import invalid

Selector = Callable[[Mapping[str, str]], bool]

_KEY = r"(?P<key>[A-Za-z0-9][-A-Za-z0-9_./]*)"
_REQUIREMENT = re.compile(
    rf"\s*(?:(?P<absent>!)\s*)?{_KEY}\s*"
    r"(?:(?P<operator>==|=|!=)\s*(?P<value>[-A-Za-z0-9_.]*)"
    r"|(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?\s*(?:,|$)"
)


def selector(text: str) -> Selector:
    """What the text selects; without a text, everything. Raises INVALID_ARGUMENT."""
    requirements: list[Selector] = []
    position = 0
    while position < len(text.rstrip()):
        match = _REQUIREMENT.match(text, position)
        if match is None or (match["absent"] and (match["operator"] or match["set"])):
            raise invalid(f"Invalid value at 'label_selector': unable to parse requirement: '{text}'.")
        requirements.append(_requirement(match))
        position = match.end()
    return lambda labels: all(holds(labels) for holds in requirements)


def _requirement(match: re.Match[str]) -> Selector:
    key = match["key"]
    if match["set"]:
        values: set[str | None] = {word.strip() for word in match["values"].split(",")}
    elif match["operator"]:
        values = {match["value"]}
    else:
        is_absent = bool(match["absent"])
        return lambda labels: (key in labels) != is_absent
    is_wanted = match["operator"] in ("=", "==") or match["set"] == "in"
    return lambda labels: (labels.get(key) in values) == is_wanted
