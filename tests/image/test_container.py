"""The image as Cloud Run would run it, and stricter: what it answers, what it may do, how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress
from pathlib import Path

from tests.image.conftest import (
    DATA,
    IMAGE,
    PATIENCE_SECONDS,
    StartContainer,
    ended,
    engine,
    needs_image,
)
from tests.image.engine import MEMORY_BYTES
from tests.worker.conftest import output, result

pytestmark = needs_image


async def heeds_sigterm(name: str) -> bool:
    """Whether the first process has a handler: until then, a tenth of a second from its start on, the kernel
    lets no SIGTERM reach it, as no container's first process.
    """
    code, pid = await ended("inspect", "--format", "{{.State.Pid}}", name)
    return code == 0 and bool(_caught(int(pid)) >> (signal.SIGTERM - 1) & 1)


def _caught(pid: int) -> int:
    """The signals for which a process has handlers, as the kernel's mask."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return int(line.split()[1], 16)
    return 0


async def test_it_answers_where_port_says_and_runs_a_prompt(start: StartContainer) -> None:
    container = await start()
    http = container.worker.http
    hello = await http.get("/hello")
    live = await http.get("/health/live")
    status = (await http.get("/pty/status")).json()
    events = await container.worker.run("echo hello from the image")

    assert (hello.status_code, live.status_code) == (200, 200)
    assert (hello.json()["status"], status["ptyAvailable"]) == ("available", True)
    assert output(events) == "hello from the image\r\n"
    assert result(events)["status"] == "completed"


async def test_it_is_allowed_next_to_nothing(start: StartContainer) -> None:
    container = await start()
    shown = "id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status; echo first $(cat /proc/1/comm)"
    tried = (
        "touch /opt/x /usr/x /x 2>/dev/null && echo written; touch $HOME/x /tmp/y && echo in-tmp; echo end"
    )
    limit = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true"
    said = output(await container.worker.run(f"{shown}; {tried}")).split()
    limits = output(await container.worker.run(limit)).split()

    assert said[0] == "10001"
    assert said[said.index("CapEff:") + 1] == "0" * 16
    assert said[said.index("NoNewPrivs:") + 1] == "1"
    assert said[said.index("first") + 1].startswith("python")
    assert said[-2:] == ["in-tmp", "end"]
    assert "written" not in said
    assert limits[:1] == [str(MEMORY_BYTES)]


async def test_a_prompt_goes_through_the_claude_agent(start: StartContainer) -> None:
    container = await start(
        *("--volume", f"{DATA}:/agent:ro"),
        **{
            "WORKER_AGENT": "claude",
            "CLAUDE_CLI_PATH": "/agent/fake_claude.py",
            "ANTHROPIC_API_KEY": "dummy-key",
        },
    )
    events = await container.worker.run("say [echo] this")
    env = output(await container.worker.run("[env]"))

    assert result(events)["status"] == "completed"
    assert result(events)["usage"]["costUsd"] > 0
    assert "PYTHONPATH" not in env
    assert "ANTHROPIC_API_KEY" in env


async def test_sigterm_completes_the_task_and_exits_with_0_in_time(start: StartContainer) -> None:
    container = await start()
    running = await container.worker.start("trap '' INT TERM HUP; while :; do sleep 0.1; done")
    code = await container.stop()

    assert result(await running)["reason"] == "sigterm"
    assert code == 0


async def test_sigterm_while_it_starts_ends_it(start: StartContainer) -> None:
    container = await start(is_ready=False)
    async with asyncio.timeout(PATIENCE_SECONDS):
        # It may yet be anywhere before its first answer.
        while not await heeds_sigterm(container.name):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert await container.stop() in (0, 143)


async def test_orphans_are_buried(start: StartContainer) -> None:
    container = await start()
    await container.worker.run("for i in 1 2 3; do (setsid true &); done; setsid sleep 300 & true")
    states = await container.worker.run(
        "grep -h -E '^(Name|State)' /proc/[0-9]*/status | grep -E 'sleep$|zombie'; true"
    )

    assert output(states) == ""


async def test_without_a_token_it_does_not_listen_to_the_whole_network(start: StartContainer) -> None:
    code, said = await ended("run", "--rm", "--network", "host", IMAGE)

    assert code == 2
    assert "WORKER_TOKEN" in said


async def test_it_holds_the_worker_alone(start: StartContainer) -> None:
    look = (
        "import importlib.util as u, json, os, shutil; from importlib.metadata import distributions as d;"
        "names = ['textual', 'google', 'grpc', 'httpx', 'pip', 'typer', 'ccconsole', 'worker_service.image'];"
        "print(json.dumps([[n for n in names if u.find_spec(n)],"
        " sorted(f'{x.name.lower()}=={x.version}' for x in d()), [shutil.which(n) for n in ('node', 'npm')],"
        " json.load(open('/opt/sbom.cdx.json'))]))"
    )
    python = "/opt/worker/bin/python"
    said = await engine("run", "--rm", "--network", "host", "--entrypoint", python, IMAGE, "-P", "-c", look)
    foreign, installed, programs, bill = json.loads(said)
    lock = (DATA.parents[1] / "worker_service" / "image" / "requirements.lock").read_text()
    listed = [part for part in bill["components"] if part["purl"].startswith("pkg:pypi/")]

    assert foreign == []
    assert programs == [None, None]
    assert installed == sorted(line.split()[0] for line in lock.splitlines() if "==" in line)
    assert sorted(f"{part['name'].lower()}=={part['version']}" for part in listed) == installed


async def test_its_settings(start: StartContainer) -> None:
    config = json.loads(await engine("image", "inspect", "--format", "{{json .Config}}", IMAGE))
    labels = config["Labels"]

    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/opt/worker/bin/python", "-P", "-m", "worker_service"]
    assert not [name for name in config["Env"] if any(word in name for word in ("KEY", "TOKEN", "SECRET"))]
    assert labels["ccconsole.sbom"] == "/opt/sbom.cdx.json"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
