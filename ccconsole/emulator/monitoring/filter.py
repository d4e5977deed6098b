"""Monitoring filters: comparisons joined by AND; https://cloud.google.com/monitoring/api/v3/filters.

OR, parentheses, groups and metadata are not offered, and told so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ccconsole.emulator.faults import invalid, unimplemented

MAX_FILTER = 2048
"""Characters; a request with a longer one is refused."""
MAX_ONE_OF = 100
"""Values in one one_of(): the reference's limit."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<operator>!=|>=|<=|[=:<>])|(?P<mark>[(),])|(?P<word>-?[\w./*-]+))"""
)
_FIELD = re.compile(r"metric\.type|resource\.type|project|(?:metric|resource)\.labels?\.\w+")

Fields = Mapping[str, str]
"""A series' fields by name: metric.type, resource.type, project, resource.labels.X, metric.labels.X."""


@dataclass(frozen=True)
class Term:
    """One comparison; `function` is empty for a plain value."""

    field: str
    operator: str
    function: str
    values: Sequence[str]
    is_negated: bool = False

    def holds(self, fields: Fields) -> bool:
        """Whether a series has it; a label that it lacks is an empty text."""
        found = fields.get(self.field, "")
        is_so = any(self._compare(found, value) for value in self.values)
        return is_so is not (self.is_negated or self.operator == "!=")

    def _compare(self, found: str, value: str) -> bool:
        if self.operator == ":":
            return value in found
        return _FUNCTIONS[self.function](found, value)


_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "": lambda found, value: found == value,
    "one_of": lambda found, value: found == value,
    "starts_with": lambda found, value: found.startswith(value),
    "ends_with": lambda found, value: found.endswith(value),
    "has_substring": lambda found, value: value in found,
}


def parse(text: str) -> tuple[Term, ...]:
    """The comparisons that must all hold; raises INVALID_ARGUMENT or UNIMPLEMENTED."""
    if len(text) > MAX_FILTER:
        raise invalid(f"Field filter is too long: {len(text)} characters, at most {MAX_FILTER}.")
    return _Parser(text).terms()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._wrong(f"unexpected {text[at:].strip()[:20]!r}")
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            at = match.end()

    def terms(self) -> tuple[Term, ...]:
        found = []
        while self._tokens:
            found.append(self._term())
            if self._tokens and self._tokens[0] == ("word", "OR"):
                raise unimplemented("The emulator does not offer OR in a monitoring filter.")
            if self._tokens and self._tokens[0] == ("word", "AND"):
                self._tokens.pop(0)
                if not self._tokens:
                    raise self._wrong("nothing after AND")
        return tuple(found)

    def _term(self) -> Term:
        is_negated = False
        if self._tokens[0] == ("word", "NOT"):
            self._tokens.pop(0)
            is_negated = True
        kind, field = self._next()
        if (kind, field) == ("mark", "("):
            raise unimplemented("The emulator does not offer parentheses in a monitoring filter.")
        if field.startswith("-"):
            is_negated, field = not is_negated, field[1:]
        if field.startswith(("group.", "metadata.")):
            raise unimplemented(f"The emulator does not offer {field} in a monitoring filter.")
        if kind != "word" or not _FIELD.fullmatch(field):
            raise self._wrong(f"{field!r} is no field of a time series")
        kind, operator = self._next()
        if kind != "operator":
            raise self._wrong(f"no operator after {field!r}")
        if operator not in ("=", "!=", ":"):
            raise self._wrong(f"{operator!r} does not compare texts")
        return self._value(canonical(field), operator, is_negated=is_negated)

    def _value(self, field: str, operator: str, *, is_negated: bool) -> Term:
        kind, value = self._next()
        is_call = kind == "word" and self._tokens[:1] == [("mark", "(")]
        if not is_call:
            return Term(field, operator, "", (self._plain(kind, value),), is_negated)
        if value not in _FUNCTIONS or operator == ":":
            raise unimplemented(f"The emulator does not offer {value}() in a monitoring filter.")
        return Term(field, operator, value, self._arguments(value), is_negated)

    def _arguments(self, function: str) -> tuple[str, ...]:
        self._next()
        found = [self._plain(*self._next())]
        while (mark := self._next()) == ("mark", ","):
            found.append(self._plain(*self._next()))
        if mark != ("mark", ")"):
            raise self._wrong(f"{function}( is not closed")
        if len(found) > (MAX_ONE_OF if function == "one_of" else 1):
            raise self._wrong(f"too many values in {function}()")
        return tuple(found)

    def _plain(self, kind: str, value: str) -> str:
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", value[1:-1])
        if kind == "word":
            return value
        raise self._wrong(f"{value!r} is no value")

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise self._wrong("it ends too soon")
        return self._tokens.pop(0)

    def _wrong(self, what: str) -> Exception:
        return invalid(f'Field filter had an invalid value of "{self._text}": {what}.')


def canonical(field: str) -> str:
    """A field's name as `Fields` has it: `label` and `labels` are the same."""
    return re.sub(r"\.label\.", ".labels.", field)


def is_field(name: str) -> bool:
    """Whether a series can have the field."""
    return _FIELD.fullmatch(name) is not None
