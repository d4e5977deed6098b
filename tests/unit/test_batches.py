"""Batches on scripted workers, and on the real one with its journal."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccconsole import runs
from ccconsole.batches import Batch, Halt, Lane, Options, Pace, PromptLine, assembled, dispatched, survey
from ccconsole.batches.records import ledger_path
from ccconsole.config import Environment
from ccconsole.errors import ConfigError, ConsoleError, NotFound, Refused
from ccconsole.model.batches import BatchRow, BatchSnapshot
from ccconsole.model.services import Service, ServiceKey, ServiceState
from ccconsole.model.tasks import TaskState
from tests.unit.workers import DEADLINE, Call, Real, complete, real_worker, scripted, sse, until
from worker_service import layout
from worker_service.wire import EventType

QUICK = Pace(first_delay=0.02, longest_delay=0.05, refresh=0.0)
BARE = Environment("test", is_local=True, project="project", region="region")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runs, "REATTACH_SECONDS", (0.05,))
    monkeypatch.setattr(runs, "OUTAGE_SECONDS", 0.0)
    monkeypatch.setattr(runs, "BUSY_SECONDS", ())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def lane(url: str, instances: int = 1, *, environment: Environment = BARE, name: str = "worker") -> Lane:
    key = ServiceKey(environment.name, "region", name)
    service = Service(key, ServiceState.READY, uri=url, max_instances=instances, is_instance_billed=True)
    return Lane(environment, service)


def batch(prompts: Sequence[str | PromptLine], *lanes: Lane, at_most: int | None = None) -> Batch:
    lines = [
        one if isinstance(one, PromptLine) else PromptLine(number, one)
        for number, one in enumerate(prompts, 1)
    ]
    targets: dict[str, Any] = {"test": lanes} | {str(one.key): (one,) for one in lanes}
    return assembled("b", lines, "test", targets, {}, at_most=at_most)


async def ended(
    found: Batch, halt: Halt | None = None, pace: Pace = QUICK, **options: Any
) -> tuple[BatchSnapshot, list[BatchRow]]:
    """The last snapshot, and all rows as they ended."""
    rows: dict[int, BatchRow] = {}
    async with asyncio.timeout(DEADLINE):
        flow = dispatched(found, halt or Halt(), Options(pace=pace, **options))
        async with aclosing(flow) as snapshots:
            async for snapshot in snapshots:
                rows |= {row.line: row for row in snapshot.changed}
    assert snapshot.is_over
    assert sum(snapshot.counts.values()) == len(found.entries) == len(rows)
    return snapshot, [rows[line] for line in sorted(rows)]


async def left(found: Batch, is_time: Callable[[], object]) -> None:
    """Run it until it is time to close its streams, as a console that dies does."""
    running = asyncio.create_task(ended(found))
    await until(is_time)
    running.cancel()
    await asyncio.wait({running})


def states(rows: Sequence[BatchRow]) -> list[str]:
    return [str(row.task.state) for row in rows]


class Worker:
    """A scripted worker that counts: what it was sent, and how many at once."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.now = self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.refusals: list[tuple[int, dict[str, Any]]] = []
        """Answers before any is taken, first to last."""
        self.fate: Callable[[str], str] = lambda prompt: complete(2)
        self.is_always = False

    async def __call__(self, call: Call) -> None:
        request = json.loads(call.body)
        if self.refusals:
            status, body = self.refusals[0] if self.is_always else self.refusals.pop(0)
            await call.answer(status, body)
            return
        self.prompts.append(request["prompt"])
        self.requests.append(request)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await call.start()
            await call.write(sse(1, "status", status="running"))
            await self.gate.wait()
            await asyncio.sleep(0)
            await call.write(self.fate(request["prompt"]), is_last=True)
        finally:
            self.now -= 1


def problem(status: int, code: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return status, {
        "title": code,
        "status": status,
        "detail": code,
        "error": code,
        "message": code,
        "code": code,
        **more,
    }


@asynccontextmanager
async def workers(count: int = 1) -> AsyncIterator[list[tuple[Worker, str]]]:
    async with AsyncExitStack() as stack:
        made = [Worker() for _ in range(count)]
        yield [(worker, (await stack.enter_async_context(scripted(worker))).url) for worker in made]


async def test_urgent_prompts_go_first_then_the_order_of_the_file() -> None:
    lines = [PromptLine(n, f"p{n}", {"priority": [5, 10, 1, 10, 5][n]}) for n in range(5)]
    async with workers() as [(worker, url)]:
        last, rows = await ended(batch(lines, lane(url)))
    assert worker.prompts == ["p1", "p3", "p0", "p4", "p2"]
    assert (last.counts[TaskState.COMPLETED], last.ended, last.total) == (5, 5, 5)
    assert [row.task.id for row in rows] == [request["taskId"] for request in _by_prompt(worker)]


def _by_prompt(worker: Worker) -> list[dict[str, Any]]:
    return sorted(worker.requests, key=lambda request: str(request["prompt"]))


@pytest.mark.parametrize(("instances", "at_most", "most"), [(3, None, 3), (3, 2, 2)])
async def test_no_more_at_once_than_instances_and_at_most(
    instances: int, at_most: int | None, most: int
) -> None:
    async with workers() as [(worker, url)]:
        worker.gate.clear()
        found = batch([f"p{n}" for n in range(9)], lane(url, instances), at_most=at_most)
        task = asyncio.create_task(ended(found))
        await until(lambda: worker.now == most)
        worker.gate.set()
        last, _ = await task
    assert (worker.most, last.at_most, len(worker.prompts)) == (most, most, 9)


async def test_an_environment_with_several_services_shares_the_prompts() -> None:
    async with workers(2) as [(one, first), (two, second)]:
        one.gate.clear()
        two.gate.clear()
        lanes = (lane(first, 2, name="one"), lane(second, 1, name="two"))
        task = asyncio.create_task(ended(batch([f"p{n}" for n in range(12)], *lanes)))
        await until(lambda: (one.now, two.now) == (2, 1))
        one.gate.set()
        two.gate.set()
        _, rows = await task
    assert sorted(one.prompts + two.prompts) == sorted(f"p{n}" for n in range(12))
    assert {row.task.service for row in rows} == {"one", "two"}


async def test_a_line_with_a_target_runs_there_alone() -> None:
    async with workers(2) as [(one, first), (two, second)]:
        lines = [PromptLine(1, "a", target="test/two"), PromptLine(2, "b", target="test/two")]
        await ended(batch(lines, lane(first, name="one"), lane(second, name="two")))
    assert (one.prompts, two.prompts) == ([], ["a", "b"])


def test_targets_that_are_none_are_said_with_their_lines() -> None:
    lines = [PromptLine(3, "a", target="x"), PromptLine(4, "b"), PromptLine(5, "c", target="y")]
    targets: dict[str, Any] = {"test": (lane("http://x"),), "x": NotFound("No x"), "y": NotFound("No y")}
    with pytest.raises(ConfigError) as caught:
        assembled("b", lines, "test", targets, {}, source="work.ndjson")
    assert caught.value.detail == "work.ndjson:3: target: No x\nwork.ndjson:5: target: No y"


@pytest.mark.parametrize("code", [429, 503])
async def test_a_refused_prompt_is_sent_again_before_the_less_urgent(code: int) -> None:
    async with workers() as [(worker, url)]:
        worker.refusals = [problem(code, "busy")] * 3
        _, rows = await ended(batch(["a", "b", "c"], lane(url)))
    assert worker.prompts == ["a", "b", "c"]
    assert states(rows) == ["completed"] * 3


async def test_a_fleet_that_stays_full_is_given_up() -> None:
    async with workers() as [(worker, url)]:
        worker.refusals, worker.is_always = [problem(429, "busy")], True
        last, rows = await ended(batch(["a", "b"], lane(url)), pace=replace(QUICK, patience=0.1))
    assert states(rows) == ["pending", "pending"]
    assert [one.title for one in last.problems] == ["The fleet is full"]
    assert last.problems[0].exit_code == 8


async def test_others_on_the_fleet_are_waited_for_while_ours_run() -> None:
    """Full is not for good as long as one of ours is on it."""
    async with workers() as [(worker, url)]:
        worker.gate.clear()
        found = batch(["a", "b", "c"], lane(url, 3))
        task = asyncio.create_task(ended(found, pace=replace(QUICK, patience=0.0)))
        await until(lambda: worker.prompts)
        worker.refusals = [problem(429, "busy")] * 3
        await until(lambda: len(worker.prompts) == 3)
        worker.gate.set()
        _, rows = await task
    assert states(rows) == ["completed"] * 3


async def test_one_that_fails_leaves_the_others_alone() -> None:
    async with workers() as [(worker, url)]:
        worker.fate = lambda prompt: (
            complete(2, "failed", reason="exit", exitCode=3, usage={"costUsd": 0.5})
            if prompt == "b"
            else complete(2, usage={"costUsd": 0.25})
        )
        last, rows = await ended(batch(["a", "b", "c"], lane(url)))
    assert states(rows) == ["completed", "failed", "completed"]
    assert (rows[1].task.reason, rows[1].task.exit_code, last.cost_usd) == ("exit", 3, 1.0)
    assert all(row.seconds is not None for row in rows)


async def test_a_prompt_that_no_worker_takes_is_refused_alone() -> None:
    async with workers() as [(worker, url)]:
        worker.refusals = [problem(400, "invalid_request", details=[{"field": "mode"}])]
        _, rows = await ended(batch(["a", "b"], lane(url)))
    assert states(rows) == ["failed", "completed"]
    assert rows[0].task.reason == "refused"
    assert "(mode)" in str(rows[0].task.detail)


async def test_a_service_that_refuses_ten_in_a_row_gets_no_more() -> None:
    async with workers() as [(worker, url)]:
        worker.refusals, worker.is_always = [problem(400, "invalid_request")], True
        last, rows = await ended(batch([f"p{n}" for n in range(30)], lane(url)))
    assert states(rows) == ["failed"] * 10 + ["pending"] * 20
    assert last.problems


async def test_where_one_is_denied_the_other_service_takes_all() -> None:
    async with workers(2) as [(one, first), (two, second)]:
        one.refusals, one.is_always = [problem(403, "denied")], True
        lanes = (lane(first, 3, name="one"), lane(second, name="two"))
        last, rows = await ended(batch([f"p{n}" for n in range(6)], *lanes))
    assert states(rows) == ["completed"] * 6
    assert sorted(two.prompts) == [f"p{n}" for n in range(6)]
    assert last.problems[0].exit_code == 4


async def test_a_worker_that_lets_no_task_run_on_cancels_with_its_stream(tmp_path: Path) -> None:
    stored = replace(BARE, store=f"file://{tmp_path}/store")
    async with workers() as [(worker, url)]:
        worker.refusals = [problem(400, "invalid_request", details=[{"field": "onDisconnect"}])]
        last, rows = await ended(batch(["a", "b"], lane(url, environment=stored)))
    assert [request.get("onDisconnect") for request in worker.requests] == ["cancel", "cancel"]
    assert states(rows) == ["completed"] * 2
    assert [share.is_detaching for share in last.shares] == [False]


@pytest.mark.parametrize("has_store", [True, False])
@pytest.mark.parametrize("is_billed", [True, False])
async def test_only_with_a_journal_and_cpu_of_its_own_a_task_runs_on_without_us(
    tmp_path: Path, has_store: bool, is_billed: bool
) -> None:
    where = replace(BARE, store=f"file://{tmp_path}/store") if has_store else BARE
    async with workers() as [(worker, url)]:
        found = lane(url, environment=where)
        found = replace(found, service=replace(found.service, is_instance_billed=is_billed))
        last, _ = await ended(batch(["a"], found))
    can_detach = has_store and is_billed
    assert [request["onDisconnect"] for request in worker.requests] == ["detach" if can_detach else "cancel"]
    assert [share.is_detaching for share in last.shares] == [can_detach]


async def test_a_stop_lets_what_runs_end() -> None:
    async with workers() as [(worker, url)]:
        worker.gate.clear()
        halt = Halt()
        task = asyncio.create_task(ended(batch(["a", "b", "c"], lane(url)), halt))
        await until(lambda: worker.now == 1)
        halt.stop.set()
        worker.gate.set()
        last, rows = await task
    assert states(rows) == ["completed", "pending", "pending"]
    assert last.is_stopping
    assert worker.prompts == ["a"]


async def test_a_cancel_closes_the_streams_where_there_is_no_journal() -> None:
    async with workers() as [(worker, url)]:
        worker.gate.clear()
        halt = Halt()
        found = batch(["a", "b"], lane(url))
        task = asyncio.create_task(ended(found, halt))
        await until(lambda: worker.now == 1)
        await until(lambda: '"running"' not in str(task) and worker.prompts)
        halt.cancel.set()
        _, rows = await task
    assert rows[0].task.state in (TaskState.CANCELLED, TaskState.UNKNOWN)
    assert states(rows)[1] == "pending"


async def test_without_a_journal_the_console_remembers_what_ended() -> None:
    async with workers() as [(worker, url)]:
        worker.fate = lambda prompt: complete(2, "failed" if prompt == "b" else "completed")
        await ended(batch(["a", "b"], lane(url)))
        last, rows = await ended(batch(["a", "b", "c"], lane(url)))
        assert worker.prompts == ["a", "b", "c"]
        assert (last.earlier, states(rows)) == (2, ["completed", "failed", "completed"])
        worker.fate = lambda prompt: complete(2)
        _, rows = await ended(batch(["a", "b", "c"], lane(url)), again={TaskState.FAILED})
    assert worker.prompts == ["a", "b", "c", "b"]
    assert (rows[1].attempt, rows[1].task.id[-2:]) == (2, ".2")
    kept = ledger_path("test", "b")
    assert kept.stat().st_mode & 0o077 == 0
    assert b'"prompt"' not in kept.read_bytes()


async def test_what_was_in_flight_when_the_console_died_is_unknown(tmp_path: Path) -> None:
    async with workers() as [(worker, url)]:
        worker.gate.clear()
        found = batch(["a", "b"], lane(url))
        await left(found, lambda: worker.prompts)
        worker.gate.set()
        kept = ledger_path("test", "b")
        kept.write_bytes(kept.read_bytes() + b'{"id": "half a li')
        assert states(await survey(found)) == ["unknown", "pending"]
        _, rows = await ended(found)
        assert (worker.prompts, states(rows)) == (["a", "b"], ["unknown", "completed"])
        _, rows = await ended(found, again={TaskState.UNKNOWN})
    assert (worker.prompts, states(rows)) == (["a", "b", "a"], ["completed", "completed"])


async def test_two_consoles_cannot_run_a_batch_without_a_journal() -> None:
    async with workers() as [(worker, url)]:
        worker.gate.clear()
        found = batch(["a"], lane(url))
        first = asyncio.create_task(ended(found))
        await until(lambda: worker.prompts)
        with pytest.raises(Refused, match="Another console"):
            await ended(found)
        worker.gate.set()
        await first
    assert worker.prompts == ["a"]


async def test_a_stream_that_breaks_without_a_journal_is_unknown() -> None:
    async with workers() as [(worker, url)]:
        worker.fate = lambda prompt: "" if prompt == "a" else complete(2)
        _, rows = await ended(batch(["a", "b"], lane(url)))
    assert states(rows) == ["unknown", "completed"]


async def test_what_an_observer_cannot_bear_ends_the_batch() -> None:
    async def observe(row: BatchRow, event: object) -> None:
        raise BrokenPipeError

    async with workers() as [(_, url)]:
        with pytest.raises(BrokenPipeError):
            await ended(batch(["a", "b"], lane(url)), observe=observe)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")


@pytest.fixture(scope="module")
def worker(folder: Path) -> Iterator[Real]:
    quick = {"WORKER_DISCONNECT_GRACE_SECONDS": "0.2", "WORKER_CANCEL_STEP_SECONDS": "0.3"}
    with real_worker(folder, store=f"file://{folder}", **quick) as found:
        yield found


@pytest.fixture
def journaled(folder: Path) -> Environment:
    return replace(BARE, store=f"file://{folder}")


def noting(path: Path, count: int, rest: str = "") -> list[str]:
    """Prompts that note their start in a file."""
    return [f"echo {number} >> {path}; {rest}" for number in range(count)]


def starts(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def test_a_console_that_dies_half_way_goes_on_and_runs_nothing_twice(
    worker: Real, journaled: Environment, tmp_path: Path
) -> None:
    """It leaves its streams as a killed one does; what it had in flight runs on and is watched later."""
    noted, gate = tmp_path / "starts", tmp_path / "gate"
    prompts = noting(noted, 4) + noting(noted, 4, f"until [ -e {gate} ]; do sleep 0.02; done")
    found = named(tmp_path, prompts, lane(worker.url, 3, environment=journaled))
    await left(found, lambda: len(starts(noted)) == 7)
    async with asyncio.timeout(DEADLINE):
        # A summary follows its task within a second.
        while states(await survey(found)).count("running") < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    gate.touch()
    last, rows = await ended(found)
    assert (last.earlier, states(rows)) == (4, ["completed"] * 8)
    _, rows = await ended(found, again={TaskState.FAILED})
    assert states(rows) == ["completed"] * 8
    assert sorted(starts(noted)) == sorted([*range(4), *range(4)])


def named(folder: Path, prompts: Sequence[str], *lanes: Lane) -> Batch:
    """A batch of a name of its own: the journal is shared."""
    lines = [PromptLine(number, prompt) for number, prompt in enumerate(prompts, 1)]
    return assembled(folder.name[-50:], lines, "test", {"test": lanes}, {})


async def test_two_consoles_at_once_share_a_batch(
    worker: Real, journaled: Environment, tmp_path: Path
) -> None:
    noted = tmp_path / "starts"
    found = named(tmp_path, noting(noted, 10), lane(worker.url, 3, environment=journaled))
    (_, first), (_, second) = await asyncio.gather(ended(found), ended(found))
    assert states(first) == states(second) == ["completed"] * 10
    assert sorted(starts(noted)) == list(range(10))


async def test_a_worker_that_takes_fewer_than_it_should_runs_each_once(
    journaled: Environment, tmp_path: Path
) -> None:
    """It answers 429 to four of six; with jitter all come to their turn."""
    noted = tmp_path / "starts"
    with real_worker(tmp_path, store=journaled.store, WORKER_MAX_TASKS="2") as small:
        found = named(tmp_path, noting(noted, 20), lane(small.url, 6, environment=journaled))
        _, rows = await ended(found)
    assert states(rows) == ["completed"] * 20
    assert sorted(starts(noted)) == list(range(20))


async def test_a_cancel_reaches_what_runs_through_the_journal(
    worker: Real, journaled: Environment, tmp_path: Path
) -> None:
    noted = tmp_path / "starts"
    found = named(tmp_path, noting(noted, 4, "sleep 60"), lane(worker.url, 2, environment=journaled))
    halt = Halt()
    task = asyncio.create_task(ended(found, halt, actor="me@here"))
    await until(lambda: len(starts(noted)) == 2)
    halt.cancel.set()
    _, rows = await task
    assert states(rows) == ["cancelled", "cancelled", "pending", "pending"]
    assert rows[0].task.actor == "me@here"
    async with asyncio.timeout(DEADLINE):  # A worker brings the summaries up to date once a second.
        seen: list[str] = []
        while seen != ["pending"] * 4:
            seen = states(await survey(found, {TaskState.CANCELLED}))


async def test_a_lost_task_is_told_and_run_again_only_when_asked(
    folder: Path, journaled: Environment, tmp_path: Path
) -> None:
    noted = tmp_path / "starts"
    with real_worker(tmp_path, store=journaled.store) as doomed:
        found = named(tmp_path, noting(noted, 1, "sleep 60"), lane(doomed.url, environment=journaled))
        await left(found, lambda: starts(noted) and (folder / layout.running(found.entries[0].id)).exists())
        doomed.kill()
    then = time.time() - layout.STALE_SECONDS - 5
    for path in (layout.task(found.entries[0].id), layout.running(found.entries[0].id)):
        os.utime(folder / path, (then, then))
    assert states(await survey(found)) == ["lost"]
    with real_worker(tmp_path, store=journaled.store) as other:
        found = named(tmp_path, noting(noted, 1, "sleep 60"), lane(other.url, environment=journaled))
        last, rows = await ended(found)
        assert (states(rows), last.earlier, starts(noted)) == (["lost"], 1, [0])
        halt = Halt()
        task = asyncio.create_task(ended(found, halt, again={TaskState.LOST}))
        await until(lambda: starts(noted) == [0, 0])
        halt.cancel.set()
        _, rows = await task
    assert (states(rows), rows[0].attempt) == (["cancelled"], 2)


async def test_a_journal_that_cannot_be_read_keeps_everything_back(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    stored = replace(BARE, store=f"file://{tmp_path}/store")
    async with workers() as [(worker, url)]:
        with pytest.raises(ConsoleError):
            await ended(batch(["a"], lane(url, environment=stored)))
    assert worker.prompts == []


async def test_an_observer_sees_the_output_and_nothing_is_kept(
    worker: Real, journaled: Environment, tmp_path: Path
) -> None:
    seen: list[EventType] = []

    async def observe(row: BatchRow, event: Any) -> None:
        seen.append(event.type)

    found = named(tmp_path, ["echo hello"], lane(worker.url, environment=journaled))
    _, rows = await ended(found, observe=observe)
    assert EventType.OUTPUT in seen
    assert seen[-1] is EventType.COMPLETE
    assert "hello" not in str(replace(rows[0].task, prompt=""))
