"""The Logging query language as a tree; https://cloud.google.com/logging/docs/view/logging-query-language.

NOT binds closest, then OR, then AND, which may be left out; operators are upper case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ccconsole.emulator.faults import Fault, invalid

MAX_FILTER = 20_000
"""Characters: https://cloud.google.com/logging/quotas."""
_MAX_DEPTH = 50
_SPACE = re.compile(r"(?:\s+|--[^\n]*)*")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SEGMENT = rf"""(?:{_QUOTED}|[^\s()"'=<>!:~,.]+)"""
_PATH = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*", re.DOTALL)
_PART = re.compile(_SEGMENT, re.DOTALL)
_OPERATOR = re.compile(r">=|<=|!=|=~|!~|=|<|>|:")
_STRING = re.compile(_QUOTED, re.DOTALL)
_BARE = re.compile(r'[^\s()",]+')
_KEYWORDS = frozenset(["AND", "OR", "NOT"])
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([0-7]{3})|(.))", re.DOTALL)
_CONTROLS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True)
class All:
    """Every part holds; no part: everything matches."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Any_:
    """Some part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Node


@dataclass(frozen=True)
class Comparison:
    """A field against one value."""

    path: tuple[str, ...]
    operator: str
    value: str
    is_quoted: bool


@dataclass(frozen=True)
class Anywhere:
    """A text in any field."""

    text: str


@dataclass(frozen=True)
class Call:
    """A function of the language."""

    name: str
    arguments: tuple[tuple[str, ...] | str, ...]
    """A quoted argument as a text, a bare one as a path."""


Node = All | Any_ | Not | Comparison | Anywhere | Call


def parse(text: str) -> Node:
    """The filter's tree; INVALID_ARGUMENT for what is no filter."""
    if len(text) > MAX_FILTER:
        raise invalid(f"The filter is longer than {MAX_FILTER} characters.")
    parser = _Parser(text)
    node = parser.conjunction(0) if parser.peek() else All(())
    if parser.peek():
        raise parser.error()
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def peek(self) -> str:
        """The next character that is no space, empty at the end."""
        match = _SPACE.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return self._text[self._at : self._at + 1]

    def error(self) -> Fault:
        rest = self._text[self._at : self._at + 20]
        where = f"at '{rest}', character {self._at + 1}" if rest else "at its end"
        return invalid(f"Unparseable filter: syntax error {where}.")

    def conjunction(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise invalid("The filter is nested too deeply.")
        return self._and(lambda: self._term(depth))

    def _and(self, term: Callable[[], Node]) -> Node:
        parts = [self._or(term)]
        while (found := self.peek()) and found != ")":
            self._keyword("AND")
            parts.append(self._or(term))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _or(self, term: Callable[[], Node]) -> Node:
        parts = [term()]
        while self._keyword("OR"):
            parts.append(term())
        return parts[0] if len(parts) == 1 else Any_(tuple(parts))

    def _negated(self) -> bool:
        if self._keyword("NOT"):
            return True
        if self.peek() == "-" and self._text[self._at + 1 : self._at + 2].strip():
            self._at += 1
            return True
        return False

    def _keyword(self, word: str) -> bool:
        self.peek()
        end = self._at + len(word)
        if self._text[self._at : end] != word or self._text[end : end + 1] not in ("", "(", '"', *" \t\r\n"):
            return False
        self._at = end
        return True

    def _group(self, inner: Callable[[], Node]) -> Node:
        self._at += 1
        found = inner()
        if self.peek() != ")":
            raise self.error()
        self._at += 1
        return found

    def _term(self, depth: int) -> Node:
        negations = 0
        while self._negated():
            negations += 1
        if self.peek() == "(":
            node = self._group(lambda: self.conjunction(depth + 1))
        else:
            node = self._comparison(depth)
        return Not(node) if negations % 2 else node

    def _comparison(self, depth: int) -> Node:
        self.peek()
        match = _PATH.match(self._text, self._at)
        if match is None or match.group() in _KEYWORDS:
            raise self.error()
        self._at = match.end()
        path = tuple(_plain(part) for part in _PART.findall(match.group()))
        if self._text[self._at : self._at + 1] == "(" and len(path) == 1:
            return self._call(path[0])
        self.peek()
        operator = _OPERATOR.match(self._text, self._at)
        if operator is None:
            return Anywhere(_plain(match.group()) if match.group().startswith('"') else match.group())
        self._at = operator.end()
        return self._values(path, operator.group(), depth)

    def _values(self, path: tuple[str, ...], operator: str, depth: int) -> Node:
        def value() -> Node:
            negations = 0
            while self._negated() if nested else self._keyword("NOT"):
                negations += 1
            if self.peek() == "(":
                node = self._values(path, operator, depth + 1)
            else:
                node = self._value(path, operator)
            return Not(node) if negations % 2 else node

        nested = False
        if depth > _MAX_DEPTH:
            raise invalid("The filter is nested too deeply.")
        if self.peek() == "(":
            nested = True
            return self._group(lambda: self._and(value))
        return self._value(path, operator)

    def _value(self, path: tuple[str, ...], operator: str) -> Node:
        self.peek()
        if quoted := _STRING.match(self._text, self._at):
            self._at = quoted.end()
            return Comparison(path, operator, unescape(quoted.group()[1:-1]), is_quoted=True)
        bare = _BARE.match(self._text, self._at)
        if bare is None or bare.group() in _KEYWORDS:
            raise self.error()
        self._at = bare.end()
        return Comparison(path, operator, bare.group(), is_quoted=False)

    def _call(self, name: str) -> Node:
        self._at += 1
        arguments: list[tuple[str, ...] | str] = []
        while self.peek() != ")":
            match = _PATH.match(self._text, self._at)
            if match is None:
                raise self.error()
            self._at = match.end()
            found = match.group()
            is_text = found.startswith('"') and len(_PART.findall(found)) == 1
            arguments.append(
                _plain(found) if is_text else tuple(_plain(part) for part in _PART.findall(found))
            )
            if self.peek() == ",":
                self._at += 1
        self._at += 1
        return Call(name, tuple(arguments))


def _plain(part: str) -> str:
    return unescape(part[1:-1]) if part.startswith('"') else part


def unescape(text: str) -> str:
    """A quoted string's own text; a backslash before any other letter stays, as regular expressions need."""

    def one(match: re.Match[str]) -> str:
        for group, base in ((1, 16), (2, 16), (3, 8)):
            if match[group]:
                return chr(int(match[group], base))
        letter = match[4]
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        return letter if letter in "\\\"'?`" else f"\\{letter}"

    return _ESCAPE.sub(one, text)
