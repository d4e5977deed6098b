"""A query as a filter of the Logging query language, and as a test for what the language cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from ccconsole.errors import ConfigError
from ccconsole.model.logs import LogEntry, LogQuery, Severity

MAX_FILTER = 20_000
"""Characters: https://cloud.google.com/logging/quotas."""
_SET = r"\[\^?[\w .,:;/@#%&=~<>!'\"-]+\]"
_SAFE = re.compile(rf"(?:\(\?i\))?(?:[^\\\[\](){{}}^$|?*+]|\\[^\w\s]|[()|]|[*+?](?![*+?])|{_SET})+")
"""What Python and Google's RE2 read alike: literals, dots, groups, alternatives, simple sets, repeats."""
_SPECIAL_GROUP = re.compile(r"\(\?(?!i\))|.\(\?i\)")
_MESSAGE_FIELDS = ("textPayload", "jsonPayload.message")
_NO_MESSAGE = (
    # What is shown of these entries is made here, so they are tested here.
    "httpRequest:*",
    "(jsonPayload:* AND NOT jsonPayload.message:*)",
    'jsonPayload.message=""',
    "protoPayload:*",
)


def quoted(text: str) -> str:
    """A string of the language that stands for exactly this text."""
    out = ['"']
    for char in text:
        if char in '"\\':
            out.append(f"\\{char}")
        elif char < " " or char == "\x7f":
            out.append(f"\\x{ord(char):02x}")
        else:
            out.append(char)
    return "".join([*out, '"'])


def moment(seconds: float) -> str:
    """A time as the language takes it, to the microsecond."""
    return quoted(datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def build(query: LogQuery, *, has_times: bool = True) -> str:
    """The filter: it lets through all that the query wants, and as little else as can be.

    Without `has_times` for a tail session, which begins and ends by itself.
    """
    clauses = ['resource.type="cloud_run_revision"']
    clauses += _one_of("resource.labels.service_name", query.services)
    clauses += _one_of("resource.labels.location", query.regions)
    if query.revision:
        clauses.append(f"resource.labels.revision_name={quoted(query.revision)}")
    if query.task_id:
        clauses.append(f"labels.task_id={quoted(query.task_id)}")
    if query.severity > Severity.DEFAULT:
        clauses.append(f"severity>={query.severity.name}")
    if has_times and query.since is not None:
        clauses.append(f"timestamp>={moment(query.since)}")
    if has_times and query.until is not None:
        clauses.append(f"timestamp<{moment(query.until)}")
    text = "\n".join(clauses)
    pattern = _pattern(query.pattern)
    return f"{text}\n{pattern}" if pattern and len(text) + len(pattern) < MAX_FILTER else text


def matcher(query: LogQuery) -> Callable[[LogEntry], bool]:
    """Whether an entry is what the query wants, its times apart; ConfigError for a pattern that is none."""
    pattern = compiled(query.pattern)

    def matches(entry: LogEntry) -> bool:
        return (
            entry.severity >= query.severity
            and (not query.services or entry.service in query.services)
            and (not query.regions or entry.region in query.regions)
            and (not query.revision or entry.revision == query.revision)
            and (not query.task_id or entry.task_id == query.task_id)
            and (pattern is None or pattern.search(entry.text) is not None)
        )

    return matches


def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern, None for an empty one; ConfigError says what is wrong with it."""
    if not pattern:
        return None
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"{pattern!r} is no regular expression",
            f"{error}.",
            "Take a text literally with a backslash before its special characters: \\[ \\( \\. \\*",
        ) from error


def _one_of(field: str, values: tuple[str, ...]) -> list[str]:
    if not values:
        return []
    if len(values) == 1:
        return [f"{field}={quoted(values[0])}"]
    return [f"{field}=({' OR '.join(quoted(value) for value in values)})"]


def _pattern(pattern: str) -> str:
    """The clause that leaves out entries whose text cannot match; empty where only we can tell."""
    if not pattern or not _SAFE.fullmatch(pattern) or _SPECIAL_GROUP.search(pattern):
        return ""
    tests = [f"{field}=~{quoted(pattern)}" for field in _MESSAGE_FIELDS]
    return f"({' OR '.join([*tests, *_NO_MESSAGE])})"
