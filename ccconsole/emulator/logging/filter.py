"""A filter of the Logging query language as a test of raw LogEntry messages."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.logging.type.log_severity_pb2 import LogSeverity

from ccconsole.emulator.faults import invalid
from ccconsole.emulator.logging import fields, language
from ccconsole.emulator.logging.fields import MISSING, Field, Kind

Test = Callable[[Any], bool]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    ":": operator.eq,
}
_NOT_RE2 = re.compile(r"\(\?(?:[=!#(]|<[=!])|(?<!\\)(?:\\\\)*\\[1-9]|[*+?}]\+")
"""Look-around, back-references and possessive quantifiers: Google's RE2 refuses them."""
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)(ms|us|ns|[smhd])?")
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FRACTION = re.compile(r"\.(\d+)")


@dataclass(frozen=True)
class Filter:
    """A parsed filter."""

    matches: Test
    """Whether a raw LogEntry matches."""
    earliest: int = 0
    latest: int = (1 << 63) - 1
    """What it says of the timestamp, nanoseconds; nothing outside matches."""


def compile_filter(text: str) -> Filter:
    """The filter of a request; INVALID_ARGUMENT with what is wrong with it."""
    tree = language.parse(text)
    test = _test(tree)
    earliest, latest = 0, (1 << 63) - 1
    for part in tree.parts if isinstance(tree, language.All) else (tree,):
        if not isinstance(part, language.Comparison) or part.path != ("timestamp",):
            continue
        if part.operator in (">", ">=", "="):
            earliest = max(earliest, parse_time(part.value))
        if part.operator in ("<", "<=", "="):
            latest = min(latest, parse_time(part.value))
    return Filter(test, earliest, latest)


def _test(node: language.Node) -> Test:
    if isinstance(node, language.All):
        every = [_test(part) for part in node.parts]
        return lambda entry: all(test(entry) for test in every)
    if isinstance(node, language.Any_):
        some = [_test(part) for part in node.parts]
        return lambda entry: any(test(entry) for test in some)
    if isinstance(node, language.Not):
        inner = _test(node.part)
        return lambda entry: not inner(entry)
    if isinstance(node, language.Anywhere):
        needle = node.text.casefold()
        return lambda entry: any(needle in text.casefold() for text in fields.texts(entry))
    if isinstance(node, language.Call):
        return _call(node)
    return _comparison(node)


def _call(node: language.Call) -> Test:
    name, arguments = node.name.lower(), node.arguments
    if name == "log_id" and len(arguments) == 1 and isinstance(arguments[0], str):
        ending = "/logs/" + arguments[0].replace("/", "%2F")
        return lambda entry: entry.log_name.endswith(ending)
    if name == "search" and arguments and isinstance(arguments[-1], str):
        words = arguments[-1].casefold().split()
        if len(arguments) == 1:
            return lambda entry: _has_words(" ".join(fields.texts(entry)), words)
        if len(arguments) == 2 and isinstance(arguments[0], tuple):
            read = fields.find(arguments[0]).read
            return lambda entry: _has_words(_text(read(entry)), words)
    raise invalid(f"The function '{node.name}' with these arguments is not one the emulator offers.")


def _has_words(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


def _text(value: Any) -> str:
    return "" if value is MISSING or value is None else str(value)


def _comparison(node: language.Comparison) -> Test:
    field = fields.find(node.path)
    if node.operator == ":" and node.value == "*" and not node.is_quoted:
        return _presence(field)
    if node.operator in ("=~", "!~"):
        return _regex(node, field)
    if field.kind is Kind.MESSAGE:
        return _key(node, field)
    if field.kind is Kind.TEXT:
        return _text_test(node, field)
    if field.kind is Kind.DYNAMIC:
        return _dynamic(node, field)
    order, wanted, read = _ORDERS[node.operator], _wanted(node, field.kind), field.read
    return lambda entry: order(read(entry), wanted)


def _presence(field: Field) -> Test:
    read = field.read
    if field.kind is Kind.DYNAMIC:
        return lambda entry: read(entry) is not MISSING
    return lambda entry: read(entry) is not MISSING and bool(read(entry))


def _key(node: language.Comparison, field: Field) -> Test:
    if node.operator != ":":
        raise invalid(f"'{'.'.join(node.path)}' is no single value: ask for one of its fields.")
    read, wanted = field.read, node.value
    return lambda entry: isinstance(found := read(entry), dict) and wanted in found


def _regex(node: language.Comparison, field: Field) -> Test:
    if _NOT_RE2.search(node.value):
        raise invalid(f"Invalid regular expression '{node.value}': RE2 does not offer this.")
    try:
        pattern = re.compile(node.value)
    except re.error as error:
        raise invalid(f"Invalid regular expression '{node.value}': {error}.") from error
    is_wanted, read = node.operator == "=~", field.read
    name = LogSeverity.Name if field.kind is Kind.SEVERITY else None

    def test(entry: Any) -> bool:
        value = read(entry)
        if value is MISSING or isinstance(value, dict):
            return False
        items = value if isinstance(value, list) else [value]
        found = any(pattern.search(name(item) if name else _shown(item)) for item in items)
        return found is is_wanted

    return test


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return fields.number_text(value) if isinstance(value, float) else str(value)


def _text_test(node: language.Comparison, field: Field) -> Test:
    wanted, read = node.value.casefold(), field.read
    if node.operator == ":":
        return lambda entry: wanted in read(entry).casefold()
    order = _ORDERS[node.operator]
    return lambda entry: order(read(entry).casefold(), wanted)


def _dynamic(node: language.Comparison, field: Field) -> Test:
    read = field.read

    def test(entry: Any) -> bool:
        value = read(entry)
        if value is MISSING:
            return False
        if isinstance(value, dict):
            return node.operator == ":" and node.value in value
        items = value if isinstance(value, list) else [value]
        return any(_compares(item, node.operator, node.value) for item in items)

    return test


def _compares(value: Any, sign: str, wanted: str) -> bool:
    if isinstance(value, str):
        if sign == ":":
            return wanted.casefold() in value.casefold()
        return _ORDERS[sign](value.casefold(), wanted.casefold())
    if isinstance(value, bool):
        return wanted.lower() in ("true", "false") and _ORDERS[sign](value, wanted.lower() == "true")
    if isinstance(value, float):
        try:
            return _ORDERS[sign](value, float(wanted))
        except ValueError:
            return False
    return sign in ("=", ":") and wanted in ("null", "NULL_VALUE")


def _wanted(node: language.Comparison, kind: Kind) -> Any:
    if kind is Kind.SEVERITY:
        return _severity(node.value)
    if kind is Kind.TIME:
        return parse_time(node.value)
    if kind is Kind.FLAG:
        if node.value.lower() not in ("true", "false"):
            raise invalid(f"'{node.value}' is neither true nor false.")
        return node.value.lower() == "true"
    match = _DURATION.fullmatch(node.value)
    if match is None:
        raise invalid(f"'{node.value}' is not a number.")
    return float(match[1]) * _UNITS[match[2] or "s"]


def _severity(value: str) -> int:
    if value.isdigit():
        return int(value)
    try:
        return int(LogSeverity.Value(value.upper()))
    except ValueError as error:
        raise invalid(f"Unparseable filter: '{value}' is not a severity.") from error


def parse_time(value: str) -> int:
    """RFC 3339, or a date in UTC, in nanoseconds; INVALID_ARGUMENT for anything else."""
    fraction = _FRACTION.search(value)
    digits = fraction[1][:9].ljust(9, "0") if fraction else "0"
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", value, count=1).replace("z", "Z"))
    except ValueError as error:
        raise invalid(f"Unparseable filter: '{value}' is not a time.") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return math.floor(moment.timestamp()) * 1_000_000_000 + int(digits)
