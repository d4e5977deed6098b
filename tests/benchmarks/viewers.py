"""What looks at a stream of output in the benchmark of the pane: `python -m tests.benchmarks.viewers`.

The console itself on the screen of a task, or an app of nothing but Textual's RichLog or Log. Each reads the
stream with the console's own client, answers a key (F9) by a mark on the screen, and writes what it measured
of itself to a descriptor at the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

from textual.app import App, ComposeResult
from textual.widgets import Log, RichLog, Static

import ccconsole.app
from ccconsole import garbage, worker_client
from ccconsole.app import SWITCH_SECONDS, ConsoleApp, build
from ccconsole.config import Environment
from ccconsole.screens import task as task_screen
from ccconsole.screens.desk import Desk
from ccconsole.screens.messages import TaskOpened
from ccconsole.terminal.canvas import TerminalCanvas
from tests.benchmarks.output_source import Load
from tests.benchmarks.processes import resident
from tests.ui.world import CONFIG, USUAL, World, task
from worker_service.wire import EventType, TaskEvent

MARK = "Key{:05}"
"""What the answer to a key looks like on the screen."""
READY = MARK.format(0)
"""On the screen as soon as keys can be pressed."""
SETTLED_SECONDS = 0.5
"""From the first screen on."""
LEAST_SECONDS = 0.002
"""Of callbacks worth a note."""
HELD_LINES = 100_000
"""As many as the terminal's scrollback."""


@dataclass
class Measured:
    """What a viewer knows of itself; seconds are monotonic, memory in bytes."""

    began: float = 0.0
    ended: float = 0.0
    processor_seconds: float = 0.0
    bytes_seen: int = 0
    answered: list[float] = field(default_factory=list)
    callbacks: list[float] = field(default_factory=list)
    """Processor seconds of the loop's hundred longest callbacks."""
    paints: int = 0
    memory_at_fill: int = 0
    """When the scrollback first let a line go; 0: it never did."""
    memory_at_end: int = 0


class Meter:
    """Measures this process, from the first output to the end of the stream."""

    def __init__(self, load: Load | None = None) -> None:
        self.measured = Measured()
        self._load = load or Load("silence")
        self._used = 0.0
        self.is_ready = False
        """Whether the screen stands: what is laid out and loaded before it is not the stream's."""

    def begin(self) -> None:
        """From the next output on."""
        self.is_ready = True

    async def watched(self, url: str) -> AsyncGenerator[TaskEvent, None]:
        """The stream's events, counted, until there was enough: more may wait in the sockets than a slow
        viewer shows in a minute.
        """
        measured, load = self.measured, self._load
        async with aclosing(worker_client.events(url, "a" * 32)) as events:
            async for event in events:
                if event.type is EventType.OUTPUT and self.is_ready:
                    if not measured.began:
                        self._begin()
                    measured.bytes_seen += event.data["length"]
                yield event
                if measured.began and time.monotonic() - measured.began >= load.seconds:
                    break
                if measured.bytes_seen >= load.size:
                    break
        yield TaskEvent(3, EventType.COMPLETE, {"ts": time.time(), "status": "completed"})

    def _begin(self) -> None:
        self.measured.callbacks.clear()
        self.measured.paints = 0
        self._used = time.process_time()
        self.measured.began = time.monotonic()

    def stop(self) -> None:
        """All that was said is on the screen."""
        measured = self.measured
        measured.ended = time.monotonic()
        measured.processor_seconds = time.process_time() - self._used
        measured.memory_at_end = resident()
        measured.callbacks = sorted(measured.callbacks)[-100:]

    def time_callbacks(self) -> None:
        """Have each callback of the loop timed: in processor time, so that others' work is not counted."""
        handles: Any = asyncio.Handle
        run: Callable[[asyncio.Handle], None] = handles._run
        callbacks = self.measured.callbacks

        def timed(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            took = time.thread_time() - began
            if took > LEAST_SECONDS:
                callbacks.append(took)

        handles._run = timed

    def count_paints(self) -> None:
        """Have each painting of a terminal counted."""
        canvases: Any = TerminalCanvas
        paint: Callable[[TerminalCanvas], None] = canvases._paint

        def counted(canvas: TerminalCanvas) -> None:
            self.measured.paints += 1
            paint(canvas)

        canvases._paint = counted


class Marks(Static):
    """Counts the keys that were answered."""

    DEFAULT_CSS = "Marks { dock: bottom; height: 1; }"
    count = 0

    def __init__(self) -> None:
        super().__init__(READY)

    def add(self) -> None:
        """One more."""
        self.count += 1
        self.update(MARK.format(self.count), layout=False)


class StreamWorld(World):
    """A world whose tasks come from a stream."""

    def __init__(self, url: str, meter: Meter) -> None:
        super().__init__()
        self._url = url
        self._meter = meter

    async def attach(
        self, environment: Environment, task_id: str, *, follow: bool = True
    ) -> AsyncGenerator[TaskEvent, None]:
        async with aclosing(self._meter.watched(self._url)) as events:
            async for event in events:
                yield event


class PaneViewer(ConsoleApp):
    """The console, which opens a task as soon as it stands."""

    CSS_PATH = str(Path(ccconsole.app.__file__).with_name("app.tcss"))
    BINDINGS: ClassVar = [("f9", "mark", "mark")]

    def __init__(self, desk: Desk, meter: Meter) -> None:
        super().__init__(desk)
        self.meter = meter

    def on_ready(self) -> None:
        """Show the task, and say so when it is over."""
        self.run_worker(self._watch(), exit_on_error=True)

    async def _watch(self) -> None:
        world = cast("StreamWorld", self.desk.backend)
        world.snapshots.put_nowait(USUAL)
        one = task("a" * 32, "dev", "worker")
        self.screen.post_message(TaskOpened(one))
        while not isinstance(self.screen, task_screen.TaskScreen):  # noqa: ASYNC110 - it is pushed by another
            await asyncio.sleep(0.01)
        screen = self.screen
        await screen.mount(Marks())
        self.set_timer(SETTLED_SECONDS, self.meter.begin)
        session = screen.session
        terminal = session.terminal
        measured = self.meter.measured

        def fed() -> None:
            if terminal.evicted:
                measured.memory_at_fill = resident()
                terminal.remove_listener(fed)

        terminal.add_listener(fed)
        while not session.is_over:  # noqa: ASYNC110 - it has no event for that
            await asyncio.sleep(0.05)
        self.meter.stop()
        self.exit()

    def action_mark(self) -> None:
        """A key was pressed."""
        self.meter.measured.answered.append(time.monotonic())
        self.screen.query_one(Marks).add()


class LogViewer(App[None]):
    """Textual's RichLog or Log, fed as their documentation has it."""

    BINDINGS: ClassVar = [("f9", "mark", "mark")]

    def __init__(self, widget: type[RichLog | Log], url: str, meter: Meter) -> None:
        super().__init__()
        self._widget = widget
        self._url = url
        self.meter = meter

    def compose(self) -> ComposeResult:
        yield self._widget(max_lines=HELD_LINES)
        yield Marks()

    def on_ready(self) -> None:
        """Begin to read."""
        self.run_worker(self._watch(), exit_on_error=True)

    async def _watch(self) -> None:
        log: Any = self.query_one(self._widget)
        self.set_timer(SETTLED_SECONDS, self.meter.begin)
        async with aclosing(self.meter.watched(self._url)) as events:
            async for event in events:
                if event.type is not EventType.OUTPUT:
                    continue
                if isinstance(log, Log):
                    log.write(event.data["data"])
                else:
                    for line in event.data["data"].splitlines():
                        log.write(line)
                await asyncio.sleep(0)
        self.meter.stop()
        self.exit()

    def action_mark(self) -> None:
        """A key was pressed."""
        self.meter.measured.answered.append(time.monotonic())
        self.query_one(Marks).add()


def main(viewer: str, url: str, descriptor: int, load: Load) -> None:
    """Look at the stream until there was enough."""
    meter = Meter(load)
    meter.time_callbacks()
    meter.count_paints()
    sys.setswitchinterval(SWITCH_SECONDS)
    if viewer == "pane":
        garbage.spare()
        PaneViewer(build(CONFIG, backend=StreamWorld(url, meter)).desk, meter).run()
    else:
        LogViewer(RichLog if viewer == "RichLog" else Log, url, meter).run()
    if meter.measured.ended:
        with os.fdopen(descriptor, "w") as out:
            json.dump(asdict(meter.measured), out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Load(**json.loads(sys.argv[4])))
