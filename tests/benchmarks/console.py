"""The console from its start: first picture, refreshes, idling, with 60 services in an emulator's process.

Started anew each time, by turns with an app of Textual with nothing but a word in it, both on a
pseudo-terminal of their own; from the start of the process to the first bytes of the picture. The refresh is
measured in this process, headless (180 x 50), with polls five times a second.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path

from ccconsole import fleet, garbage
from ccconsole.app import build
from ccconsole.cloud.connect import Connections
from ccconsole.config import Config, load
from ccconsole.model.fleet import FleetSnapshot
from ccconsole.screens.live import LiveBackend
from tests.benchmarks.cloud import PROJECT, serve, service_name
from tests.benchmarks.figures import Figure, Missing, at_most
from tests.benchmarks.processes import processor_seconds, resident, serving
from tests.benchmarks.pseudo_terminal import DEADLINE, PseudoTerminal, environ, terminal
from tests.benchmarks.viewers import LEAST_SECONDS, Meter

SERVICES = 60
SIZE = (180, 50)
ROUNDS = 15
IDLE_SECONDS = 60.0
SETTLED_SECONDS = 5.0
"""After the first rows, until the console idles: libraries are loaded, metrics read."""
REFRESH_SECONDS = 0.2
REFRESHES = 50
WARM_REFRESHES = 5
"""Before it is measured."""
VISIT_SECONDS = 0.7
"""Between two visits; what was left is swept up half a second later."""
FIRST = service_name(0).encode()
FLEET_SHOWN, SERVICE_SHOWN = b"services (all)", b"concurrency"
EMPTY = """from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("nothing")
Empty().run()"""


def figures(scale: float) -> Iterator[Figure | Missing]:
    """Starts, then an idle console, then refreshes."""
    count = max(int(SERVICES * min(2 * scale, 1)), 2)
    with (
        tempfile.TemporaryDirectory(prefix="cc-") as name,
        serving(serve, Path(name) / "state", count) as target,
    ):
        home = Path(name)
        (home / "run").mkdir(mode=0o700)
        path = home / "deploy.toml"
        path.write_text(_declared(target, count))
        yield from _starts(home, max(int(ROUNDS * scale), 1))
        yield from _idle(home, IDLE_SECONDS * scale, count)
        yield from asyncio.run(_refreshes(load(path, {}), max(int(REFRESHES * scale), 3), count))


def _declared(target: str, count: int) -> str:
    """The deploy.toml of so many services."""
    lines = [
        "[env.dev]",
        f'project = "{PROJECT}"',
        f'endpoint = "{target}"',
        f'service = "{service_name(0)}"',
    ]
    lines += [f"[env.dev.services.{service_name(number)}]" for number in range(1, count)]
    return "\n".join([*lines, ""])


@contextmanager
def started(home: Path, *command: str) -> Iterator[PseudoTerminal]:
    """Python with these words on a terminal of its own."""
    with terminal([sys.executable, *command], size=SIZE, environ=environ(home), folder=home) as screen:
        yield screen


def _starts(home: Path, rounds: int) -> Iterator[Figure]:
    first, row, empty = [], [], []
    for number in range(rounds + 1 if rounds > 1 else 1):
        began = time.monotonic()
        with started(home, "-c", EMPTY) as screen:
            empty.append(screen.until(b"nothing") - began)
        began = time.monotonic()
        with started(home, "-m", "ccconsole") as screen:
            first.append(screen.until(b"ccconsole") - began)
            row.append(screen.until(FIRST) - began)
        if (
            number == 0 and rounds > 1
        ):  # What is compiled and read from the disk for the first time counts for neither.
            for times in (first, row, empty):
                times.clear()
    shown = statistics.median(first) * 1000
    beside = statistics.median(empty) * 1000
    yield Figure("start to first picture", shown, "ms", "an empty app", beside, at_most(1.3))
    yield Figure("the same, the best", min(first) * 1000, "ms", "an empty app", min(empty) * 1000)
    rows = statistics.median(row) * 1000
    yield Figure("start to the first row of the fleet", rows, "ms", "an empty app", beside)


def _idle(home: Path, seconds: float, count: int) -> Iterator[Figure]:
    with started(home, "-m", "ccconsole") as screen:
        screen.until(FIRST)
        _look_on(screen, min(SETTLED_SECONDS, seconds))
        before, began = processor_seconds(screen.process.pid), time.monotonic()
        _look_on(screen, seconds)
        took = time.monotonic() - began
        used, memory = processor_seconds(screen.process.pid) - before, resident(screen.process.pid)
        visits = max(int(seconds), 1)
        sizes = _visited(screen, visits)
    yield Figure(f"idle with {count} services, of a core", 100 * used / took, "%", wanted=at_most(1, "%"))
    yield Figure(f"memory with {count} services", memory / 1e6, "MB", wanted=at_most(120, "MB"))
    last, first = sizes[-1] / 1e6, sizes[0] / 1e6
    yield Figure(f"memory after {visits} visits of a service", last, "MB", "after one", first, at_most(1.1))


def _visited(screen: PseudoTerminal, visits: int) -> list[int]:
    """The bytes of memory after each visit of a service's screen."""
    sizes = []
    for _ in range(visits):
        screen.press(b"\r")
        screen.until(SERVICE_SHOWN)
        screen.press(b"\x1b")
        screen.until(FLEET_SHOWN)
        _look_on(screen, VISIT_SECONDS)
        sizes.append(resident(screen.process.pid))
    return sizes


def _look_on(screen: PseudoTerminal, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if screen.read(left) is None:
            raise RuntimeError("the console ended by itself")


class Hurried(LiveBackend):
    """Reads the fleet again and again, and counts."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, "somebody", "here")
        self._all = config
        self.count = 0

    async def fleet(self) -> AsyncGenerator[FleetSnapshot, None]:
        """As the console does, more often."""
        garbage.spare()
        async with (
            Connections(self._all) as connections,
            aclosing(fleet.fleet(self._all, connections, cloud_interval=REFRESH_SECONDS)) as snapshots,
        ):
            async for snapshot in snapshots:
                self.count += 1
                yield snapshot


async def _refreshes(config: Config, wanted: int, count: int) -> Sequence[Figure]:
    backend = Hurried(config)
    app = build(config, backend=backend)
    async with app.run_test(size=SIZE):
        async with asyncio.timeout(DEADLINE):
            while len(app.desk.snapshot.rows) < count or backend.count < WARM_REFRESHES:  # noqa: ASYNC110 - the desk tells nobody
                await asyncio.sleep(0.05)
        meter = Meter()
        meter.time_callbacks()
        used, first = time.process_time(), backend.count
        async with asyncio.timeout(DEADLINE):
            while backend.count < first + wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        each = 1000 * (time.process_time() - used) / (backend.count - first)
    longest = 1000 * max(meter.measured.callbacks, default=LEAST_SECONDS)
    return (
        Figure(f"one refresh of {count} services, processor", each, "ms"),
        Figure("longest callback of the refreshes", longest, "ms", wanted=at_most(10, "ms")),
    )
