"""What a supervised agent asks to be allowed, in full, and the keys that answer it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from textual.content import Content

from ccconsole.format import duration
from ccconsole.model.tasks import Permission
from ccconsole.paints import MUTED
from ccconsole.widgets.text import content

SHOWN_CHARACTERS = 20_000
"""Of one value; a file's whole content may be asked to be written."""


def permission_text(
    asked: Permission, now: float, *, waiting: int = 1, is_read_only: bool = False
) -> Content:
    """The tool, its input a field a line, the rules of an answer for the session, the time left, the keys."""
    more = f"  1 of {waiting}" if waiting > 1 else ""
    sign = (f"◆ {asked.tool}", "bold $accent")
    lines = [content(sign, (" waits to be allowed", MUTED), (more, "$accent"))]
    lines += [content((line, MUTED)) for line in asked.description.splitlines()]
    lines.extend(_fields(asked.input))
    if rules := [_rule(rule) for rule in asked.suggestions]:
        lines.append(content(("for the session: ", MUTED), ", ".join(rules)))
    lines.append(_keys(asked, now, is_read_only=is_read_only))
    return Content("\n").join(lines)


def _fields(fields: Mapping[str, Any]) -> Iterator[Content]:
    for name, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        first, *rest = text[:SHOWN_CHARACTERS].splitlines() or [""]
        if rest:
            yield content((f"{name}:", MUTED))
            yield from (content(f"  {line}") for line in (first, *rest))
        else:
            yield content((f"{name}: ", MUTED), first)
        if len(text) > SHOWN_CHARACTERS:
            yield content((f"  … {len(text) - SHOWN_CHARACTERS} more characters", MUTED))


def _rule(suggestion: Any) -> str:
    """A rule in words: `Bash(npm test:*)`, a mode, folders, or the rule as it came."""
    if isinstance(suggestion, dict):
        rules = suggestion.get("rules")
        if isinstance(rules, list) and rules and all(isinstance(rule, dict) for rule in rules):
            return ", ".join(_named(rule) for rule in rules)
        if suggestion.get("mode"):
            return f"mode {suggestion['mode']}"
        if isinstance(suggestion.get("directories"), list):
            return f"folders {', '.join(map(str, suggestion['directories']))}"
    return json.dumps(suggestion, ensure_ascii=False)[:200]


def _named(rule: Mapping[str, Any]) -> str:
    name, what = str(rule.get("toolName", "")), rule.get("ruleContent")
    return f"{name}({what})" if what else name


def _keys(asked: Permission, now: float, *, is_read_only: bool) -> Content:
    parts: list[Content] = []
    if not is_read_only:
        pairs = [("A", "allow once"), ("D", "deny"), ("M", "deny with words")]
        if asked.suggestions:
            pairs.insert(1, ("S", "allow for the session"))
        parts = [content((key, "bold $accent"), f" {what}") for key, what in pairs]
    if asked.deadline is not None:
        left = max(0.0, asked.deadline - now)
        verb = "allowed" if asked.default == "allow" else "denied"
        words = f"{verb} by itself in {duration(float(int(left)))}"
        parts.append(content((words, "bold $warning" if left < 60 or asked.default == "allow" else MUTED)))
    return Content("   ").join(parts)
