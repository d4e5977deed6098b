"""Log entries as lines of text or of JSON; what is not among them, on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from ccconsole.cli import output
from ccconsole.log_records import moment, record
from ccconsole.model.logs import LogBatch, LogEntry, LogMode, Severity
from ccconsole.model.problem import Problem


class Form(StrEnum):
    """What `-o` takes."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"


class Printer:
    """Prints batches; a JSON list is printed by `close`."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._held: list[dict[str, Any]] = []
        self._problems: dict[str, Problem] = {}

    def past(self, batches: Sequence[LogBatch], limit: int | None) -> None:
        """Print batches as one, in the order of time; with a limit only the newest entries of all."""
        entries = [entry for batch in batches for entry in batch.entries]
        entries.sort(key=lambda entry: entry.timestamp)
        cut = entries[-limit:] if limit else entries
        self._entries(cut)
        if len(cut) < len(entries) or any(batch.has_older for batch in batches):
            output.note("older ones are not shown: --limit 0 shows all")
        for batch in batches:
            self._say(batch)

    def close(self) -> None:
        """Print what had to wait for the end."""
        if self._form is Form.JSON:
            output.emit(f"{json.dumps(self._held, indent=2, ensure_ascii=False)}\n")

    def _entries(self, entries: Iterable[LogEntry]) -> None:
        if self._form is Form.JSON:
            self._held += [record(entry) for entry in entries]
        elif self._form is Form.NDJSON:
            rows = (json.dumps(record(entry), ensure_ascii=False, separators=(",", ":")) for entry in entries)
            output.emit("".join(f"{row}\n" for row in rows))
        else:
            output.emit("".join(text(entry) for entry in entries))

    def _say(self, batch: LogBatch) -> None:
        where = batch.environment
        if batch.suppressed:
            output.note(
                f"{where}: {batch.suppressed} lines were withheld by Google: more than 60,000 a minute"
            )
        if batch.dropped:
            output.note(f"{where}: {batch.dropped} lines were lost: they came faster than they were read")
        known = self._problems.get(where)
        if batch.problem == known:
            return
        if batch.problem is not None:
            self._problems[where] = batch.problem
            output.error(batch.problem)
        else:
            del self._problems[where]
            if batch.mode is LogMode.LIVE:
                output.note(f"{where}: live again, with all that came meanwhile")


def text(entry: LogEntry) -> str:
    """An entry for a person; further lines of it stand under the first."""
    first, *rest = entry.text.splitlines() or [""]
    color = _color(entry.severity)
    severity = output.styled(f"{entry.severity.name:<8}", color, sys.stdout)
    source = output.styled(f"{entry.service}/{entry.instance_id[-8:] or '-'}", "dim", sys.stdout)
    body = output.styled(output.plain(first), color if color != "dim" else None, sys.stdout)
    lines = [f"{moment(entry.timestamp)} {severity} {source} {body}"]
    lines += [f"    {output.plain(line)}" for line in rest]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _color(severity: Severity) -> str | None:
    if severity >= Severity.ERROR:
        return "red"
    if severity >= Severity.WARNING:
        return "yellow"
    return "dim" if severity < Severity.INFO else None
