from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ccconsole.errors import Denied
from ccconsole.model.problem import Problem
from ccconsole.model.rollouts import (
    Action,
    Adjustment,
    Advice,
    AdviceKind,
    Change,
    Outcome,
    Plan,
    Rollout,
    Stage,
    StageState,
)
from ccconsole.model.services import Revision, ServiceKey, TrafficShare
from ccconsole.screens.matrix import MatrixScreen
from ccconsole.screens.revisions import RevisionsScreen
from ccconsole.screens.rollout import RolloutScreen
from tests.ui.world import NOW, Console, console, fleet, row

DEV = ServiceKey("dev", "us-central1", "worker-dev")
PROD = ServiceKey("prod", "us-central1", "worker-prod")
PLAN = Plan(
    DEV,
    Action.UPDATE,
    (Change("memory", "1Gi", "2Gi", True), Change("env.LOG_LEVEL", None, "[b]debug", True)),
    (Advice(AdviceKind.IN_FLIGHT, "1 task runs on it", "ccconsole tasks dev"),),
    command="gcloud run deploy worker-dev --memory=2Gi",
)


def rolling(key: ServiceKey = DEV, *states: StageState, **rest: Any) -> Rollout:
    stages = tuple(
        Stage(name, name.title(), state, f"{name} words", NOW - 4, NOW - 1)
        for name, state in zip(("revision", "traffic", "verify"), states, strict=False)
    )
    return Rollout(key, "deploy", stages, NOW - 5, **rest)


def seen(running: Console, words: str) -> bool:
    return words in running.text


@asynccontextmanager
async def proposed(
    plan: Plan | Adjustment = PLAN, *keys: str, **options: Any
) -> AsyncIterator[tuple[Console, RolloutScreen]]:
    """The screen of a planned change, from the fleet."""
    async with console(**options) as running:
        running.world.proposal = plan
        await running.press(*(keys or ("j", "R")))
        await running.until(lambda: isinstance(running.app.screen, RolloutScreen))
        screen = running.app.screen
        assert isinstance(screen, RolloutScreen)
        await running.until(lambda: screen.proposal is plan)
        await running.pilot.pause()
        yield running, screen


async def test_a_plan_shows_its_changes_and_the_command_before_anything_is_done() -> None:
    async with proposed() as (running, _screen):
        assert running.world.proposals == [(DEV, "deploy", ())]
        for words in (
            "update 2 fields, a new revision",
            "env.LOG_LEVEL",
            "[b]debug",
            "in flight",
            "1 task runs on it",
            "gcloud run deploy worker-dev --memory=2Gi",
            "enter to deploy",
        ):
            await running.until(partial(seen, running, words))
        assert running.world.rolled == []
        await running.press("escape")
        assert running.world.rolled == []


async def test_enter_carries_it_out_and_the_stages_are_seen() -> None:
    async with proposed() as (running, screen):
        await running.press("enter")
        await running.until(lambda: running.world.rolled == [PLAN])
        running.world.rollouts.put_nowait(
            rolling(DEV, StageState.DONE, StageState.RUNNING, StageState.PENDING)
        )
        await running.until(lambda: "traffic words" in running.text)
        assert "ctrl+x stops it" in running.text
        done = rolling(
            DEV,
            *[StageState.DONE] * 3,
            outcome=Outcome.DONE,
            ended_at=NOW,
            url="https://worker-dev.example",
            revision="worker-dev-00043-owl",
            notes=("PINNED: look",),
        )
        running.world.rollouts.put_nowait(done)
        await running.until(lambda: "deploy done after 5.0s" in running.text)
        for words in ("worker-dev-00043-owl", "https://worker-dev.example", "PINNED: look", "esc goes back"):
            await running.until(partial(seen, running, words))
        await running.press("enter")
        assert running.world.rolled == [PLAN], "it is not begun twice"
        await running.press("ctrl+r")
        await running.until(lambda: len(running.world.proposals) == 2)
        assert screen.proposal is PLAN


async def test_a_failure_says_why_with_the_last_lines_and_what_to_do() -> None:
    async with proposed() as (running, _screen):
        await running.press("enter")
        await running.until(lambda: running.world.rolled)
        failed = rolling(
            DEV,
            StageState.FAILED,
            outcome=Outcome.FAILED,
            ended_at=NOW,
            reason="HEALTH_CHECK_CONTAINER_ERROR",
            cause="It does not listen on PORT.",
            hint="ccconsole logs dev",
            log_lines=("Traceback", "[red]boom"),
        )
        running.world.rollouts.put_nowait(failed)
        await running.until(lambda: "deploy failed after" in running.text)
        for words in ("HEALTH_CHECK_CONTAINER_ERROR", "does not listen", "ccconsole logs dev", "[red]boom"):
            await running.until(partial(seen, running, words))


async def test_production_wants_the_name_typed() -> None:
    plan = replace(PLAN, key=PROD)
    async with proposed(plan, "G", "R") as (running, _screen):
        assert "then type worker-prod" in running.text
        await running.press("enter")
        await running.write("worker-dev")
        await running.press("enter")
        await running.until(lambda: "nothing was done" in running.told)
        assert running.world.rolled == []
        await running.press("enter")
        await running.write("worker-prod")
        await running.press("enter")
        await running.until(lambda: running.world.rolled == [plan])


async def test_leaving_leaves_it_running_and_its_end_is_told() -> None:
    async with proposed() as (running, _screen):
        await running.press("enter")
        await running.until(lambda: running.world.rolled)
        running.world.rollouts.put_nowait(rolling(DEV, StageState.RUNNING))
        await running.until(lambda: DEV in running.app.desk.rollouts)
        await running.press("escape")
        await running.press("R")
        await running.until(lambda: "revision words" in running.text)
        assert len(running.world.proposals) == 1, "what is under way is shown, and not planned over"
        await running.press("ctrl+x")
        await running.until(lambda: running.world.stops[0].is_set())
        await running.press("escape")
        cancelled = rolling(DEV, StageState.FAILED, outcome=Outcome.CANCELLED, ended_at=NOW)
        running.world.rollouts.put_nowait(cancelled)
        await running.until(lambda: "dev/worker-dev: deploy cancelled" in running.told)


async def test_nothing_to_do_and_what_the_server_would_refuse() -> None:
    async with proposed(Plan(DEV, Action.NONE)) as (running, _screen):
        assert "no changes" in running.text
        await running.press("enter")
        assert running.world.rolled == []
    refusal = Problem("dev", "Not allowed to deploy", "It needs run.services.update.", "gcloud x")
    async with proposed(replace(PLAN, refusal=refusal)) as (running, _screen):
        await running.until(lambda: "Not allowed to deploy" in running.text)
        assert "gcloud x" in running.text


async def test_a_plan_that_cannot_be_made_says_why_and_can_be_tried_again() -> None:
    async with console() as running:
        running.world.proposal = Denied("Not allowed to read dev", "It needs x.", "gcloud y")
        await running.press("j", "R")
        await running.until(lambda: "Not allowed to read dev" in running.text)
        await running.until(lambda: "gcloud y" in running.text)
        running.world.proposal = PLAN
        await running.press("ctrl+r")
        await running.until(lambda: "update 2 fields" in running.text)


async def test_reading_only_shows_plans_and_begins_nothing() -> None:
    async with console(is_read_only=True) as running:
        running.world.proposal = PLAN
        await running.press("j", "R", "ctrl+l", "T", "S")
        assert running.app.screen is running.fleet
        assert running.world.proposals == []


async def test_a_canary_is_asked_for_in_words() -> None:
    async with console() as running:
        running.world.proposal = PLAN
        await running.press("j", "colon")
        await running.write("deploy canary 10")
        await running.press("enter")
        await running.until(lambda: "canary 10%" in running.text)
        await running.press("enter")
        await running.until(lambda: running.world.canaries == [10])
        assert running.world.proposals == [(DEV, "deploy", ("canary", "10"))]


@pytest.mark.parametrize(
    ("keys", "line", "asked"),
    [
        ("T", "", ("traffic", ("latest=100",))),
        ("S", "", ("scale", ("0", "5"))),
        ("colon", "scale 1 9", ("scale", ("1", "9"))),
        ("colon", "traffic a=90 b=10", ("traffic", ("a=90", "b=10"))),
        ("colon", "rollback worker-dev-00041-fox", ("rollback", ("worker-dev-00041-fox",))),
        ("colon", "delete", ("delete", ())),
    ],
)
async def test_changes_by_key_and_by_word(keys: str, line: str, asked: tuple[str, tuple[str, ...]]) -> None:
    async with console() as running:
        running.world.proposal = Adjustment(DEV, asked[0], "it moves", "gcloud z", "etag")
        await running.press("j", keys)
        if line:
            await running.write(line)
        await running.press("enter")
        await running.until(lambda: running.world.proposals == [(DEV, *asked)])
        await running.until(lambda: "it moves" in running.text)


async def test_revisions_with_their_traffic_and_a_way_back() -> None:
    shares = (
        TrafficShare("worker-dev-00041-fox", 90),
        TrafficShare("worker-dev-00042-kix", 10, tag="canary"),
    )
    async with console(snapshot=fleet(row("dev", "worker-dev", traffic=shares))) as running:
        running.world.proposal = Adjustment(DEV, "rollback", "all traffic goes back", "gcloud z", "etag")
        running.world.revision_list = [
            Revision("worker-dev-00043-owl", "worker-dev", NOW - 60, False, "it did not start"),
            Revision("worker-dev-00042-kix", "worker-dev", NOW - 600, True, image="worker:2"),
            Revision("worker-dev-00041-fox", "worker-dev", NOW - 6000, True, image="worker:1"),
        ]
        await running.press("enter", "left_square_bracket")
        await running.until(lambda: isinstance(running.app.screen, RevisionsScreen))
        await running.until(lambda: "worker-dev-00041-fox" in running.text)
        for words in ("90% PIN", "10% PIN", "canary", "it did not start", "PINNED"):
            assert words in running.text, words
        await running.press("j", "j", "ctrl+l")
        await running.until(lambda: running.world.proposals)
        assert running.world.proposals == [(DEV, "rollback", ("worker-dev-00041-fox",))]


async def test_revisions_that_cannot_be_read_say_why() -> None:
    async with console() as running:
        running.world.revision_list = Denied("Not allowed to list revisions", "", "gcloud x")
        await running.press("j", "enter", "left_square_bracket")
        await running.until(lambda: "Not allowed to list revisions" in running.text)


async def test_services_side_by_side() -> None:
    rows = (
        row("dev", "worker-dev", memory="1Gi", env={"LOG_LEVEL": "debug"}),
        row("prod", "worker-prod", memory="4Gi", env={"LOG_LEVEL": "info"}, is_public=True),
    )
    async with console(snapshot=fleet(*rows)) as running:
        await running.press("D")
        await running.until(lambda: isinstance(running.app.screen, MatrixScreen))
        for words in ("1Gi", "4Gi", "env.LOG_LEVEL", "PUBLIC", "differences"):
            assert words in running.text, words
        assert "concurrency" not in running.text
        await running.press("x")
        await running.until(lambda: "concurrency" in running.text)
        await running.press("4")
        await running.until(lambda: "dev/worker-dev" not in running.text)
