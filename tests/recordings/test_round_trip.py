"""A real task, exported as a cast and replayed to its end, shows what it showed live, cell by cell."""

from __future__ import annotations

from contextlib import aclosing, closing
from pathlib import Path

import httpx
import pytest

from ccconsole import runs
from ccconsole.recordings.exporting import recorded
from ccconsole.recordings.player import Player
from ccconsole.terminal.engine import Terminal
from tests.terminal import streams
from tests.terminal.states import cells
from tests.unit.workers import environment, real_worker, service
from worker_service.transcript import output_bytes
from worker_service.wire import EventType, Mode, RunRequest

COLUMNS, ROWS = 90, 20
RESIZED = {"cols": 70, "rows": 26}


@pytest.mark.parametrize("name", ["Ink-style UI", "vim", "hostile bytes"])
async def test_the_end_of_a_replay_is_the_live_screen(tmp_path: Path, name: str) -> None:
    before, after, gate = tmp_path / "before", tmp_path / "after", tmp_path / "gate"
    before.write_bytes(streams.ALL[name](20_000, 1) + b"\xe6\x97")
    after.write_bytes(b"\xa5\xff" + streams.ALL[name](20_000, 2))
    prompt = f"cat {before}; until [ -e {gate} ]; do sleep 0.02; done; cat {after}"
    request = RunRequest(
        prompt=prompt, task_id="t", mode=Mode.INTERACTIVE, cols=COLUMNS, rows=ROWS, on_disconnect="detach"
    )
    place = environment(f"file://{tmp_path}/store")
    live = Terminal(COLUMNS, ROWS)
    with real_worker(tmp_path, store=place.store) as worker:
        async with (
            httpx.AsyncClient(trust_env=False) as http,
            aclosing(runs.start(place, service(worker.url), request)) as events,
        ):
            shown = 0
            async for event in events:
                if event.type is EventType.OUTPUT:
                    live.feed(output_bytes(event))
                    shown += event.data["length"]
                    if shown >= before.stat().st_size - 2 and not gate.exists():
                        await http.post(f"{worker.url}/tasks/t/resize", json=RESIZED)
                elif event.data.get("action") == "resize":
                    live.resize(event.data["cols"], event.data["rows"])
                    gate.touch()
    task = await runs.task(place, "t")
    with closing(await recorded(task, runs.attach(place, "t", follow=False))) as recording:
        player = Player(recording)
        assert (player.terminal.columns, player.terminal.rows) == (COLUMNS, ROWS)
        player.seek_end()
        await player.catch_up()
        assert (live.columns, live.rows) == (70, 26)
        assert shown_by(player.terminal) == shown_by(live)


def shown_by(terminal: Terminal) -> tuple[object, ...]:
    """Every cell of the screen with its style, and the cursor."""
    rows = range(terminal.line_count - terminal.rows, terminal.line_count)
    return [cells(terminal, row) for row in rows], terminal.cursor, terminal.title
