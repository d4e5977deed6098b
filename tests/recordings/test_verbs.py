"""`export` and `replay` against a real worker and journal; as processes where signals and pipes matter."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from ccconsole.cli import main
from tests.recordings.casts import cast
from tests.unit.conftest import Ended
from tests.unit.test_cli_tasks import Desk, ended, line_of
from tests.unit.workers import DEADLINE, Real, real_worker, until
from worker_service import layout
from worker_service.transcript import line
from worker_service.wire import EventType, Status, TaskEvent, TaskSummary

BAR = r"for n in 1 2 3 4; do printf '\r\033[32m%s/4\033[m' $n; done; echo; printf 'd\303'"
PROMPT = BAR + r"; sleep 0.02; printf '\251j\303\240\nend\n'"
BYTES = "".join(f"\r\x1b[32m{n}/4\x1b[m" for n in (1, 2, 3, 4)) + "\r\ndéjà\r\nend\r\n"
TEXT = "4/4\ndéjà\nend\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def worker(desk: Desk) -> Iterator[Real]:
    with real_worker(desk.folder, store=desk.store) as found:
        yield found


def ran(worker: Real, prompt: str) -> str:
    """The id of a task that has ended."""
    answer = httpx.post(
        f"{worker.url}/run", json={"prompt": prompt}, trust_env=False, verify=False, timeout=DEADLINE
    )
    task_id: str = answer.json()["taskId"]
    return task_id


@pytest.fixture(scope="module")
def task(worker: Real) -> str:
    """A task that printed BYTES."""
    return ran(worker, PROMPT)


Verb = Callable[..., Ended]


@pytest.fixture
def verb(desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Verb:
    """A verb in this process."""
    monkeypatch.setenv("CCCONSOLE_CONFIG", f"{desk.folder}/deploy.toml")

    def run(*words: str) -> Ended:
        code = main(list(words))
        return Ended(code, *capfd.readouterr())

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("name", "form"), [("a.cast", "cast"), ("a.ndjson", "ndjson"), ("a.ansi", "ansi"), ("a.log", "text")]
)
def test_each_format_of_a_real_task(verb: Verb, task: str, tmp_path: Path, name: str, form: str) -> None:
    path = tmp_path / name
    saved = verb("export", task[:12], "-f", str(path))
    assert (saved.code, saved.out) == (0, ""), saved.err
    assert saved.err.startswith(f"{path}: ")
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == [name]
    text = path.read_bytes().decode()
    assert verb("export", task, "--format", form) == Ended(0, text, "")
    if form in ("text", "ansi"):
        assert text == (TEXT if form == "text" else BYTES)
        return
    assert verb("replay", str(path)) == Ended(0, TEXT, "")
    assert verb("replay", str(path), "--raw") == Ended(0, BYTES, "")
    if form == "cast":
        header, *events = [json.loads(one) for one in text.splitlines()]
        assert (header["version"], header["width"], header["height"], header["title"]) == (2, 120, 40, task)
        assert "".join(data for _, code, data in events if code == "o") == BYTES
        assert [data for _, code, data in events if code == "m"] == ["pending", "running", "completed"]


def test_a_file_that_is_there_is_left_unless_forced(verb: Verb, task: str, tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("mine")
    link.symlink_to(path)
    refused = verb("export", task, "-f", str(path))
    assert (refused.code, path.read_text()) == (8, "mine")
    assert "is there already" in refused.err
    assert verb("export", task, "-f", str(link), "--force").code == 0
    assert (path.read_text(), link.is_symlink()) == (TEXT, True)
    for words, code, why in (
        (("-f", str(tmp_path / "a.odt")), 2, "There are .cast, .ndjson"),
        (("-f", str(tmp_path), "--format", "text", "--force"), 8, "is no file"),
        (("-f", str(tmp_path / "none" / "a.txt")), 1, "cannot be written"),
        (("--env", "bare"), 8, "ccconsole prompt TARGET TEXT -o ndjson"),
    ):
        wrong = verb("export", task, *words)
        assert (wrong.code, wrong.out, why in wrong.err) == (code, "", True), wrong.err
    assert verb("export", "nobody").code == 5
    assert names(tmp_path) == ["a.txt", "link.txt"]


def part(path: Path) -> bytes:
    """What is written so far of a file that has no name yet."""
    return b"".join(one.read_bytes() for one in path.parent.glob(f".{path.name}.*.part"))


async def test_a_running_task_so_far_and_to_its_end(desk: Desk, worker: Real, tmp_path: Path) -> None:
    gate, path, kept = tmp_path / "gate", tmp_path / "a.txt", tmp_path / "kept.ndjson"
    task = uuid4().hex
    prompt = f"echo begun; until [ -e {gate} ]; do sleep 0.05; done; echo on"
    running = await desk.prompt(worker.url, task, prompt)
    await line_of(running, b"begun\n")
    following = await desk.start("ccconsole", "export", task, "--follow", "-f", str(path))
    cut = await desk.start("ccconsole", "export", task, "--follow", "-f", str(kept))
    await until(lambda: b"begun" in part(kept))
    so_far = await desk.run("export", task)
    assert (so_far.code, so_far.out) == (0, "begun\n")
    assert "has not ended: this is what there is so far; --follow" in so_far.err
    cut.send_signal(signal.SIGINT)
    assert (await ended(cut)).code == 130
    assert kept.read_text().count("\n") == 3
    assert not path.exists()
    gate.touch()
    assert (await ended(following)).code == 0
    assert path.read_text() == "begun\non\n"
    assert names(tmp_path) == ["a.txt", "gate", "kept.ndjson"]
    await ended(running)


def test_what_is_missing_is_said_and_exits_with_7(desk: Desk, verb: Verb) -> None:
    task = uuid4().hex

    def event(number: int, kind: str, **data: object) -> bytes:
        fields = {"taskId": task, "seq": number, "ts": 100.0 + number, **data}
        return line(TaskEvent(number, EventType(kind), fields))

    summary = TaskSummary(task_id=task, status=Status.RUNNING, prompt="p", agent="a", created_at=100.0)
    sized = {"encoding": "utf-8", "offset": 0, "length": 5}
    first = event(1, "status", status="running") + event(2, "output", data="one\r\n", **sized)
    for path, body in (
        (layout.task(task), summary.model_dump_json(by_alias=True).encode()),
        (layout.segment(task, 1, 2), first),
        (layout.segment(task, 6, 6), event(6, "output", data="two\r\n", **sized)),
    ):
        file = desk.folder / "store" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        os.utime(file, (time.time() - 900,) * 2)
    told = "events 3 to 5 are missing: missing from the journal"
    done = verb("export", task)
    assert done.code == 7
    assert done.out.splitlines()[:3] == ["one", f"[{told}]", "two"]
    assert done.out.splitlines()[3].startswith("[failed: lost: The instance fell silent")
    assert done.err.startswith(f"{told}\nerror: task {task} has no end\n")
    shown = [json.loads(one) for one in verb("export", task, "--format", "cast").out.splitlines()[1:]]
    assert [data for _, code, data in shown if code == "m"][1] == told
    assert [at for at, *_ in shown] == [1, 2, 2, 6, 6]


async def test_a_reader_that_leaves_ends_it_quietly(desk: Desk, worker: Real, tmp_path: Path) -> None:
    task = await asyncio.to_thread(ran, worker, "seq 200000")
    path = tmp_path / "a.cast"
    assert (await desk.run("export", task, "-f", str(path))).code == 0
    for words in (("export", task, "--format", "ndjson"), ("replay", str(path))):
        reading, writing = os.pipe()
        process = await desk.start("ccconsole", *words, stdout=writing)
        os.close(writing)
        await asyncio.wait_for(asyncio.to_thread(os.read, reading, 2), DEADLINE)
        os.close(reading)
        done = await ended(process)
        assert (done.code, done.err) == (141, ""), words


def test_replaying_what_is_broken(verb: Verb, tmp_path: Path) -> None:
    path = cast(tmp_path / "a.cast", [1, "o", "one\r\n"], "?", [2, "o", "two\r\n"], [3, "o", "three"])
    path.write_bytes(path.read_bytes()[:-9])
    done = verb("replay", str(path))
    assert (done.code, done.out) == (7, "one\ntwo\n")
    assert done.err.splitlines() == [
        "a.cast: line 3 is no event: left out",
        "a.cast: line 5 is cut off: the recording ended while it was written; what came before is whole",
    ]
    (tmp_path / "b.cast").write_text('{"version": 9}')
    for name, why in (("b.cast", "version 9"), ("none.cast", "No such file"), (".", "directory")):
        wrong = verb("replay", str(tmp_path / name))
        assert (wrong.code, wrong.out, why in wrong.err) == (2, "", True), wrong.err


async def test_a_prompt_s_own_events_are_a_recording_also_through_a_pipe(desk: Desk, worker: Real) -> None:
    done = await ended(await desk.prompt(worker.url, uuid4().hex, PROMPT, "ndjson", is_journaled=False))
    player = await desk.start("ccconsole", "replay", "-", stdin=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(player.communicate(done.out.encode()), DEADLINE)
    assert out.decode() == TEXT
