"""Every way a task can end: the right status and reason, `complete` once, and nothing left running."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.worker.conftest import RunningWorker, StartWorker, is_alive, output, result, until


def ending(events: list[Any]) -> tuple[str, str | None]:
    found = result(events)
    return found["status"], found.get("reason")


async def child(folder: Path) -> int:
    """The process id that a prompt wrote into `folder/pid`."""
    path = folder / "pid"
    await until(lambda: path.exists() and path.read_text().strip() != "")
    return int(path.read_text())


async def test_exit_codes(worker: RunningWorker) -> None:
    assert ending(await worker.run("true")) == ("completed", None)
    failed = await worker.run("exit 9")
    assert ending(failed) == ("failed", "exit")
    assert result(failed)["exitCode"] == 9
    assert "9" in result(failed)["detail"]


async def test_a_signal_from_outside_is_named_and_no_oom_without_evidence(worker: RunningWorker) -> None:
    running = await worker.start("sleep 30", taskId="t")
    task = worker.pool.get("t")
    assert task is not None
    assert task.pid is not None
    os.kill(task.pid, signal.SIGKILL)
    events = await running

    assert ending(events) == ("failed", "signal")
    assert result(events)["signal"] == "SIGKILL"
    assert "exitCode" not in result(events)


async def test_fifty_megabytes_arrive_in_order_within_a_bounded_ring(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_ring_bytes=1 << 20)
    prompt = "head -c 50000000 /dev/zero | tr '\\0' x"
    at = 0
    async with worker.stream("POST", "/run", {"prompt": prompt, "taskId": "t"}) as events:
        async for event in events:
            if event.type == "output":
                assert event.data["offset"] >= at
                assert event.data["length"] == len(event.data["data"]) <= 64 * 1024
                at = event.data["offset"] + event.data["length"]
            elif event.type == "complete":
                end = event.data
    task = worker.pool.get("t")
    assert task is not None
    assert (end["status"], end["outputBytes"], end["outputTruncated"]) == ("completed", 50_000_000, True)
    assert at == 50_000_000
    assert len(end["output"]) == 64 * 1024
    assert task.log.size <= (1 << 20) + 200_000


async def test_one_byte_at_a_time(worker: RunningWorker) -> None:
    events = await worker.run("for i in {1..300}; do printf x; read -t 0.001 < /dev/tty; done; printf é")

    assert output(events) == "x" * 300 + "é"
    assert ending(events) == ("completed", None)


async def test_characters_cut_anywhere_arrive_whole_and_other_bytes_as_base64(worker: RunningWorker) -> None:
    pause = "read -t 0.03 < /dev/tty"
    cut = await worker.run(f"printf '\\xe2'; {pause}; printf '\\x82'; {pause}; printf '\\xac'")
    raw = await worker.run("printf 'a\\xff'")

    assert output(cut) == "€"
    assert [e.data["encoding"] for e in cut if e.type == "output"] == ["utf-8"]
    assert [(e.data["encoding"], e.data["data"]) for e in raw if e.type == "output"] == [("base64", "Yf8=")]
    assert result(raw)["output"] == "a\ufffd"


async def test_the_output_limit_is_told(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_output_limit_bytes=100_000)
    events = await worker.run("yes")

    assert ending(events) == ("failed", "output_limit")
    assert "100000 bytes" in result(events)["detail"]
    assert [event.data["code"] for event in events if event.type == "error"] == ["output_limit"]
    assert 100_000 <= result(events)["outputBytes"] < 400_000


async def test_a_silent_agent_is_stalled(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_stall_seconds=0.3)
    events = await worker.run("echo before; sleep 30")

    assert ending(events) == ("failed", "stalled")
    assert output(events) == "before\r\n"


async def test_output_keeps_an_agent_from_stalling(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_stall_seconds=0.5)
    events = await worker.run("for i in 1 2 3 4 5; do echo $i; sleep 0.2; done")

    assert ending(events) == ("completed", None)


async def test_the_deadline(worker: RunningWorker) -> None:
    events = await worker.run("sleep 30", timeoutSeconds=0.3)

    assert ending(events) == ("failed", "timeout")
    assert result(events)["duration"] < 5000


async def test_cancel_names_its_actor_and_acks_first(worker: RunningWorker) -> None:
    running = await worker.start("sleep 30", taskId="t")
    answer = await worker.http.post("/tasks/t/cancel", json={"actor": "ada"})
    events = await running

    assert answer.json() == {"action": "cancel", "actor": "ada", "ok": True}
    assert ending(events) == ("cancelled", "cancelled")
    assert result(events)["actor"] == "ada"
    assert result(events)["signal"] == "SIGINT"
    said = [(event.type, event.data.get("status")) for event in events[2:]]
    assert said == [("control", None), ("status", "cancelling"), ("complete", "cancelled")]


async def test_an_agent_that_ignores_every_polite_signal_is_killed(
    worker: RunningWorker, tmp_path: Path
) -> None:
    deaf = tmp_path / "deaf"
    prompt = f"trap '' INT TERM HUP; touch {deaf}; while :; do read -t 1 < /dev/tty; done"
    running = await worker.start(prompt, taskId="t")
    await until(deaf.exists)
    await worker.http.post("/tasks/t/cancel")
    events = await running

    assert ending(events) == ("cancelled", "cancelled")
    assert result(events)["signal"] == "SIGKILL"


async def test_a_second_and_harder_cancel_cuts_the_ladder_short(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_cancel_step_seconds=60)
    prompt = "trap '' INT TERM; echo deaf; while :; do read -t 1 < /dev/tty; done"
    running = await worker.start(prompt, taskId="t")
    for mode in ("interrupt", "interrupt", "kill"):
        assert (await worker.http.post("/tasks/t/cancel", json={"mode": mode})).status_code == 200
    events = await running

    assert result(events)["signal"] == "SIGKILL"
    assert len([event for event in events if event.data.get("status") == "cancelling"]) == 1
    assert (await worker.http.post("/tasks/t/cancel")).status_code == 409


async def test_a_storm_of_cancels_from_the_first_moment_on(worker: RunningWorker) -> None:
    for n in range(5):
        running = asyncio.create_task(worker.run("sleep 30", taskId=f"t{n}"))
        await until(lambda n=n: worker.pool.get(f"t{n}") is not None)  # type: ignore[misc]
        answers = await asyncio.gather(*(worker.http.post(f"/tasks/t{n}/cancel") for _ in range(8)))

        assert {answer.status_code for answer in answers} <= {200, 409}
        assert ending(await running) == ("cancelled", "cancelled")


async def test_a_child_that_left_the_process_group_does_not_survive(
    worker: RunningWorker, tmp_path: Path
) -> None:
    prompt = f"setsid bash -c 'setsid sleep 300 & echo $! > {tmp_path}/pid' & wait; echo gone"
    events = await worker.run(prompt)
    pid = await child(tmp_path)

    assert ending(events) == ("completed", None)
    assert not is_alive(pid)


async def test_a_child_that_holds_the_terminal_open_does_not_hold_the_task(
    worker: RunningWorker, tmp_path: Path
) -> None:
    events = await worker.run(f"trap '' HUP; sleep 300 & echo $! > {tmp_path}/pid; echo done")

    assert output(events) == "done\r\n"
    assert result(events)["duration"] < 5000
    assert not is_alive(await child(tmp_path))


async def test_an_agent_that_closes_its_output_and_lives_on(worker: RunningWorker, tmp_path: Path) -> None:
    go = tmp_path / "go"
    waiting = f"until [ -e {go} ]; do sleep 0.05; done"
    prompt = f"echo before; exec >&- 2>&-; echo $$ > {tmp_path}/pid; {waiting}; exit 4"
    running = await worker.start(prompt)
    assert is_alive(await child(tmp_path))
    assert not running.done()
    go.touch()
    events = await running

    assert output(events) == "before\r\n"
    assert result(events)["exitCode"] == 4


async def test_an_agent_that_cannot_be_started(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_agent="command", worker_command="no-such-program {prompt}")
    events = await worker.run("x")

    assert ending(events) == ("failed", "spawn")
    assert "no-such-program" in result(events)["detail"]


async def test_a_fresh_folder_each_and_a_named_one_that_stays(worker: RunningWorker, tmp_path: Path) -> None:
    first = output(await worker.run("pwd; stat -c %a .; touch f")).split()
    second = output(await worker.run("pwd; ls")).split()
    await worker.run("touch kept", workspace="w")

    assert first[0] != second[0]
    assert first[1] == "700"
    assert len(second) == 1
    assert output(await worker.run("ls", workspace="w")) == "kept\r\n"
    await until(lambda: not Path(first[0]).exists() and not Path(second[0]).exists())


async def test_the_agent_gets_an_allow_list_and_no_secret(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-value")
    monkeypatch.setenv("SOME_OTHER_VARIABLE", "1")
    monkeypatch.setenv("LC_TIME", "C")
    worker = await start_worker(
        anthropic_api_key="sk-ant-very-secret", claude_cli_session_token="oauth-secret"
    )
    names = {line.split("=")[0] for line in output(await worker.run("env")).splitlines()}

    allowed = {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TZ",
        "TMPDIR",
        "TERM",
        "COLORTERM",
        "LC_TIME",
    }
    assert {"PATH", "TERM", "COLORTERM", "LC_TIME", "WORKER_TASK_ID"} <= names
    assert not names & {"ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "SOME_OTHER_VARIABLE", "WORKER_TOKEN"}
    shells = {"PWD", "OLDPWD", "SHLVL", "_", "WORKER_TASK_ID", "WORKER_TASK_MARK", "LANGUAGE"}
    assert {name for name in names - allowed - shells if "proxy" not in name.lower()} <= {
        "NODE_ENV",
        "NODE_EXTRA_CA_CERTS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CURL_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        *(name for name in names if name.startswith("LC_")),
    }


async def test_secrets_are_redacted_wherever_they_come_out(start_worker: StartWorker) -> None:
    secret = "sk-ant-very-secret"
    worker = await start_worker(anthropic_api_key=secret)
    prompt = f"printf {secret[:9]}; read -t 0.05 < /dev/tty; echo {secret[9:]} and; echo {secret}"
    events = await worker.run(prompt, taskId="t", metadata={"k": secret, secret: 1})

    everything = str(events) + (await worker.http.get("/tasks/t")).text
    everything += (await worker.http.get("/tasks/t/transcript")).text
    assert secret not in everything
    assert output(events) == "[redacted] and\r\n[redacted]\r\n"


async def test_more_tasks_than_one_at_a_time(start_worker: StartWorker) -> None:
    worker = await start_worker(worker_max_tasks=8)
    every = await asyncio.gather(*(worker.run(f"sleep 0.2; echo {n}") for n in range(8)))

    assert [output(events) for events in every] == [f"{n}\r\n" for n in range(8)]


async def test_the_end_of_one_task_leaves_another_s_processes_alone(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    worker = await start_worker(worker_max_tasks=2)
    other = await worker.start(f"setsid sleep 300 & echo $! > {tmp_path}/pid; wait", taskId="other")
    pid = await child(tmp_path)
    await worker.run("true")

    assert is_alive(pid)
    await worker.http.post("/tasks/other/cancel", json={"mode": "kill"})
    await other
    assert not is_alive(pid)
