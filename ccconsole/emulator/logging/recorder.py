"""From the lines that revisions write to the entries that are kept."""

from __future__ import annotations

import time
from collections.abc import Callable

from ccconsole.emulator.logging import entries
from ccconsole.emulator.logging.store import LogStore
from ccconsole.emulator.logs import LogLine
from ccconsole.emulator.spec import RevisionSpec


class Recorder:
    """Puts lines into the store."""

    def __init__(self, store: LogStore) -> None:
        self._store = store

    def lines_of(self, spec: RevisionSpec) -> Callable[[LogLine], None]:
        """What takes each line of a revision."""
        location = spec.service.location
        source = entries.Source(location.project, location.region, spec.service.service, spec.revision)

        def take(line: LogLine) -> None:
            now = time.time_ns()
            if line.stream == "requests":
                entry = entries.request(source, line.instance, line.fields, now)
            elif line.stream == "varlog/system":
                entry = entries.event(source, line.instance, line.text, now)
            else:
                entry = entries.output(source, line.stream, line.instance, line.text, now)
            self._store.append(entry)

        return take
