"""What process families use, from /proc; on other systems nothing is known, so nothing is measured."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ccconsole.emulator import processes

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """A family's CPU time since it began, and its resident memory; pages that it shares count for each."""

    cpu_seconds: float
    memory_bytes: int


def usage(leaders: Iterable[int]) -> dict[int, Usage]:
    """The usage of each leader's family that is there, by the leader's pid."""
    wanted = set(leaders)
    if not wanted or sys.platform != "linux":
        return {}
    table = processes.table()
    found = {}
    for leader in wanted & table.keys():
        family = [leader, *(process.pid for process in processes.descendants(leader, table))]
        parts = [part for pid in family if (part := _usage(pid)) is not None]
        found[leader] = Usage(
            sum(part.cpu_seconds for part in parts), sum(part.memory_bytes for part in parts)
        )
    return found


def _usage(pid: int) -> Usage | None:
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        # From the third field of proc(5) on: 11 to 14 are the times, its own and its waited children's.
        fields = stat[stat.rindex(")") + 2 :].split()
        return Usage(sum(map(int, fields[11:15])) / _TICKS, int(fields[21]) * _PAGE)
    return None
