from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from ccconsole.errors import Refused, Unreachable
from ccconsole.model.tasks import TaskState
from ccconsole.screens.session import Session, Typed
from tests.ui.world import CONFIG, task
from worker_service.wire import EventType, TaskEvent


def session(
    *events: tuple[str, dict[str, Any]] | Exception,
    mode: str = "headless",
    where: str = "dev",
    is_own: bool = True,
) -> Session:
    async def stream() -> AsyncGenerator[TaskEvent, None]:
        for number, event in enumerate(events, 1):
            if isinstance(event, Exception):
                raise event
            kind, data = event
            yield TaskEvent(number, EventType(kind), {"ts": 1000.0 + number, **data})

    own = task("t1", where, "worker", TaskState.PENDING, started_at=None, mode=mode)
    return Session(own, CONFIG.environments[where], stream, is_own=is_own, size=(40, 10))


async def followed(one: Session) -> list[TaskState]:
    return [state.state async for state in one.follow()]


async def test_a_task_from_its_first_event_to_its_end() -> None:
    one = session(
        ("status", {"status": "running", "agent": "claude", "deadline": 4600.0}),
        ("output", {"data": "hé", "encoding": "utf-8", "offset": 0, "length": 3}),
        (
            "output",
            {"data": base64.b64encode(b"\xff!").decode(), "encoding": "base64", "offset": 3, "length": 2},
        ),
        ("usage", {"costUsd": 0.5}),
        ("heartbeat", {}),
        (
            "complete",
            {"status": "failed", "reason": "auth", "detail": "401", "exitCode": 1, "outputBytes": 5},
        ),
    )
    states = await followed(one)
    assert states == [TaskState.RUNNING, TaskState.RUNNING, TaskState.FAILED, TaskState.FAILED]
    ended = one.task
    assert (ended.agent, ended.deadline, ended.output_bytes, ended.cost_usd) == ("claude", 4600.0, 5, 0.5)
    assert (ended.reason, ended.detail, ended.exit_code, ended.started_at) == ("auth", "401", 1, 1001.0)
    assert one.terminal.text().strip() == "hé\ufffd!"
    assert one.is_over


async def test_a_stream_without_an_end_keeps_its_reason() -> None:
    one = session(("status", {"status": "running"}), Unreachable("Gone", "cut", "try again"))
    await followed(one)
    assert one.is_over
    assert one.problem is not None
    assert one.problem.title == "Gone"


async def test_a_task_that_was_refused_is_not_pending() -> None:
    one = session(Refused("The fleet is full"))
    await followed(one)
    assert one.task.state is TaskState.FAILED
    assert one.problem is not None


async def test_a_permission_waits_until_it_is_answered() -> None:
    one = session(
        ("status", {"status": "waiting_input"}),
        ("permission", {"permissionId": "p1", "tool": "Bash", "input": {"command": "ls"}}),
        ("gap", {"from": 3, "to": 9, "reason": "slow"}),
    )
    asked = [one.permission.id if one.permission else None async for _ in one.follow()]
    assert asked[1] == "p1"
    assert "3 to 9 are missing" in one.note


async def test_keys_go_in_order_and_in_batches() -> None:
    one = session(mode="interactive")
    commands = one.commands()
    for byte in b"hello":
        one.type(bytes([byte]))
    one.resize(80, 24)
    one.resize(90, 25)
    async with asyncio.timeout(5), aclosing(commands):
        assert await anext(commands) == Typed("drive", {})
        assert await anext(commands) == Typed("resize", {"cols": 90, "rows": 25})
        assert await anext(commands) == Typed("input", {"data": "hello", "encoding": "utf-8"})
        one.type(b"\xff\x00")
        bytes_as_text = base64.b64encode(b"\xff\x00").decode()
        assert await anext(commands) == Typed("input", {"data": bytes_as_text, "encoding": "base64"})


async def test_keys_end_with_the_task() -> None:
    one = session(("complete", {"status": "completed"}), mode="interactive")

    async def deliver() -> list[Typed]:
        return [command async for command in one.commands()]

    delivery = asyncio.create_task(deliver())
    await followed(one)
    async with asyncio.timeout(5):
        assert [typed for typed in await delivery if typed.action != "drive"] == []


@pytest.mark.parametrize(
    ("mode", "is_own", "answer"),
    [("interactive", True, "\x1b[1;1R"), ("interactive", False, "keys"), ("headless", True, "keys")],
)
async def test_queries_are_answered_by_the_tasks_own_console_alone(
    mode: str, is_own: bool, answer: str
) -> None:
    query = ("output", {"data": "\x1b[6n", "encoding": "utf-8", "offset": 0, "length": 4})
    one = session(("status", {"status": "running"}), query, ("usage", {}), mode=mode, is_own=is_own)
    commands = one.commands()
    async with asyncio.timeout(5), aclosing(commands), aclosing(one.follow()) as changes:
        await anext(changes)
        await anext(changes)
        if answer == "keys":
            one.type(b"keys")
        while (typed := await anext(commands)).action != "input":
            pass
        assert typed.fields["data"] == answer
