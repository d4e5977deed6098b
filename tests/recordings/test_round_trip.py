"""A real task, exported as a cast and replayed to its end, shows what it showed live, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from ccconsole import runs
from ccconsole.config import Environment
from ccconsole.model.services import Service
from ccconsole.recordings.exporting import recorded
from ccconsole.recordings.player import Player
from ccconsole.terminal.engine import Terminal
from tests.terminal import streams
from tests.terminal.states import cells
from tests.unit.workers import environment, real_worker, service
from worker_service.transcript import output_bytes
from worker_service.wire import EventType, Mode, RunRequest

RESIZED = {"cols": 70, "rows": 26}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Environment, Service]]:
    """An environment with a store, and a worker in it."""
    folder = tmp_path_factory.mktemp("place")
    store = f"file://{folder}/store"
    with real_worker(folder, store=store) as worker:
        yield environment(store), service(worker.url)


@pytest.mark.parametrize("name", ["Ink-style UI", "vim", "hostile bytes"])
async def test_the_end_of_a_replay_is_the_live_screen(
    place: tuple[Environment, Service], tmp_path: Path, name: str
) -> None:
    where, worker = place
    before, after, gate = tmp_path / "before", tmp_path / "after", tmp_path / "gate"
    before.write_bytes(streams.ALL[name](20_000, 1) + b"\xe6\x97")
    after.write_bytes(b"\xa5\xff" + streams.ALL[name](20_000, 2))
    prompt = f"cat {before}; until [ -e {gate} ]; do sleep 0.02; done; cat {after}"
    request = RunRequest(prompt=prompt, task_id=uuid4().hex, mode=Mode.INTERACTIVE, cols=90, rows=20)
    live = Terminal(90, 20)
    async with (
        httpx.AsyncClient(trust_env=False, verify=False) as http,
        aclosing(runs.start(where, worker, request)) as events,
    ):
        shown = 0
        async for event in events:
            if event.type is EventType.OUTPUT:
                live.feed(output_bytes(event))
                shown += event.data["length"]
                if shown >= before.stat().st_size - 2 and not gate.exists():
                    await http.post(f"{worker.uri}/tasks/{request.task_id}/resize", json=RESIZED)
            elif event.data.get("action") == "resize":
                live.resize(event.data["cols"], event.data["rows"])
                gate.touch()
    assert request.task_id is not None
    while not (task := await runs.task(where, request.task_id)).state.is_end:
        pass  # the journal may be a second behind what was shown
    with closing(await recorded(task, runs.attach(where, task.id, follow=False))) as recording:
        player = Player(recording)
        assert (player.terminal.columns, player.terminal.rows) == (90, 20)
        player.seek_end()
        await player.catch_up()
        assert (live.columns, live.rows) == (70, 26)
        assert shown_by(player.terminal) == shown_by(live)


def shown_by(terminal: Terminal) -> tuple[object, ...]:
    """Every cell of the screen with its style, and the cursor."""
    rows = range(terminal.line_count - terminal.rows, terminal.line_count)
    return [cells(terminal, row) for row in rows], terminal.cursor, terminal.title
