"""A deployment that proves itself: at 0 % with a tag, a smoke prompt, a share of the traffic, then all of it.

Every stage reads from the service where the canary is, so that one whose process was killed goes on. What
breaks it sends the traffic back by itself; the service then stays pinned to what served before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from google.api_core.operation_async import AsyncOperation

from ccconsole import format, runs
from ccconsole.cloud import deploy as cloud_deploy
from ccconsole.cloud import identity, operations, traffic
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.failures import RolloutFailed
from ccconsole.cloud.gcloud import CANARY_TAG
from ccconsole.cloud.revision_figures import requests
from ccconsole.cloud.services import model_of
from ccconsole.config import ServiceSpec
from ccconsole.errors import ConsoleError
from ccconsole.model.rollouts import Outcome, Plan, Rollout
from ccconsole.model.services import Service, TrafficShare
from ccconsole.model.tasks import Task
from ccconsole.rollouts.deploying import (
    Build,
    IdToken,
    Run,
    answer,
    invoker,
    preparation,
    revision,
    verify,
)
from ccconsole.rollouts.figures import Figures
from ccconsole.rollouts.shares import canary, others, pinned_note, scaled, shares_text, tagged
from ccconsole.rollouts.smoke import prompt
from ccconsole.rollouts.stages import Done, Skipped, Step, Word, course
from ccconsole.streams import Clock

NEAR_LOOK, LOOK = 0.5, 15.0
"""Seconds between two looks at a canary's figures."""


@dataclass(frozen=True)
class Canary:
    """How a new revision proves itself: its share in percent, and for how many seconds it is watched."""

    percent: int = 10
    watch: float = 300.0


def deploy_canary(
    connection: Connection,
    spec: ServiceSpec,
    plan: Plan,
    canary: Canary,
    *,
    build: Build | None = None,
    id_token: IdToken = identity.id_token,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Rollout]:
    """Carry the plan out with a canary; its thresholds are the environment's alerts.

    The outcome is `rolled_back` when it broke them. The first revision of a service has nothing to prove
    itself against: it serves at once.
    """
    run = Run(connection, spec, plan, id_token, clock or Clock(), build)
    trial = _Trial(run, canary)
    steps = [
        Step("revision", "Revision", trial.revision, undone=Outcome.FAILED),
        Step("invoker", "Who may call", lambda: invoker(run)),
        Step("smoke", "Smoke prompt", trial.smoke, undone=Outcome.ROLLED_BACK),
        Step("shift", f"Canary {canary.percent}%", trial.shift, undone=Outcome.ROLLED_BACK),
        Step("watch", "Watch", trial.watch, undone=Outcome.ROLLED_BACK),
        Step("traffic", "Traffic", trial.promote),
        Step("verify", "Verify", lambda: verify(run)),
    ]
    return course(
        spec.key,
        "deploy",
        [*preparation(run), *steps],
        run.result,
        undo=Step("back", "Traffic back", trial.back),
        clock=run.clock,
        stop=stop,
    )


class _Trial:
    """One canary under way."""

    def __init__(self, run: Run, settings: Canary) -> None:
        self._run = run
        self._settings = settings
        self._shifted_at = 0.0

    async def revision(self) -> AsyncGenerator[Word]:
        """Make the revision without traffic, under its tag."""
        run = self._run
        live = await cloud_deploy.live_service(run.connection, run.spec.key)
        if live is not None and (run.plan.is_new_revision or not run.plan.changes):
            service = model_of(live, run.spec.key)
            kept = others(service, "")
            if kept:
                tag = TrafficShare("", 0, CANARY_TAG, is_latest=True)
                run.canary_shares = (*scaled(kept, 100), *tagged(service), tag)
        async with aclosing(revision(run)) as said:
            async for word in said:
                yield word
        if run.operation is not None:
            async with aclosing(self._follow(run.operation)) as rest:
                async for word in rest:
                    yield word

    async def smoke(self) -> AsyncGenerator[Word]:
        """The smoke prompt at the tag's own address; judged by its result."""
        service = await self._tagged()
        if service is None:
            yield Skipped("the revision serves already, or is the first")
            return
        share = canary(service)
        assert share is not None
        url = share.uri or service.uri
        if url is None:
            raise ConsoleError(f"The canary of {service.key} has no address", service.message)
        run = self._run
        yield f"GET {url}/hello"
        told = await answer(run.connection, url, run.id_token, run.clock, audience=service.uri)
        if run.spec.smoke is None:
            yield Done(f'{told}; no prompt was sent: smoke = "..." in deploy.toml names one')
            return
        yield f"{share.revision} at {url} runs it"
        tagged_service = replace(service, uri=url)
        environment = run.connection.environment
        yield Done(await prompt(environment, tagged_service, run.spec.smoke, share.revision))

    async def shift(self) -> AsyncGenerator[Word]:
        """Send it its share of the traffic."""
        service = await self._tagged()
        if service is None:
            yield Skipped("nothing to shift")
            return
        share = canary(service)
        assert share is not None
        percent = self._settings.percent
        if share.percent != percent:
            kept = scaled(others(service, share.revision), 100 - percent)
            moved = (*kept, TrafficShare(share.revision, percent, CANARY_TAG), *tagged(service))
            async with aclosing(self._move(moved)) as said:
                async for word in said:
                    yield word
        self._shifted_at = self._run.clock.now()
        yield Done(shares_text(await self._run.live()))

    async def watch(self) -> AsyncGenerator[Word]:
        """Watch its requests and tasks for the window; a breach of the alerts ends it."""
        service = await self._tagged()
        if service is None:
            yield Skipped("nothing to watch")
            return
        share = canary(service)
        assert share is not None
        run, look = self._run, NEAR_LOOK if self._run.connection.target else LOOK
        end = self._shifted_at + self._settings.watch
        while True:
            seen = await self._figures(share.revision)
            if breach := seen.breach(run.connection.environment.alerts.error_rate):
                raise RolloutFailed(
                    f"The canary {share.revision} broke its thresholds",
                    breach,
                    f"ccconsole logs {service.key} --since 15m",
                    reason="CANARY_BREACH",
                    revision=share.revision,
                    log_lines=(),
                )
            left = end - run.clock.now()
            if left <= 0:
                break
            yield f"{format.duration(left)} left: {seen.text}"
            await run.clock.sleep(min(look, left))
        yield Done(seen.text)

    async def _figures(self, name: str) -> Figures:
        run = self._run
        environment, now = run.connection.environment, run.clock.now()
        unread = []
        total = failed = 0
        tasks: list[Task] = []
        try:
            total, failed = await requests(
                run.connection, run.spec.key, name, start=self._shifted_at, end=now
            )
        except ConsoleError as error:
            unread.append(f"requests not read ({error.title})")
        try:
            if environment.store is not None:
                found = await runs.tasks(environment)
                tasks = [
                    task for task in found if task.revision == name and task.created_at >= self._shifted_at
                ]
        except ConsoleError as error:
            unread.append(f"tasks not read ({error.title})")
        return Figures.of(total, failed, tasks, environment.alerts.first_byte, now, unread)

    async def promote(self) -> AsyncGenerator[Word]:
        """All traffic to the newest revision, which it follows from then on."""
        service = await self._run.live()
        if await self._tagged() is not None:
            moved = (TrafficShare("", 100, is_latest=True), *tagged(service))
            async with aclosing(self._move(moved)) as said:
                async for word in said:
                    yield word
            service = await self._run.live()
        if service.is_pinned:
            self._run.result.notes.append(pinned_note(service))
        yield Done(shares_text(service))

    async def back(self) -> AsyncGenerator[Word]:
        """The traffic to what served before the canary, pinned there."""
        live = await cloud_deploy.live_service(self._run.connection, self._run.spec.key)
        service = await self._run.live()
        if live is None or not any(target.tag == CANARY_TAG for target in live.traffic):
            yield Skipped("it did not move")
            return
        if service.latest_created_revision != service.revision:
            async with aclosing(self._restore(service)) as said:
                async for word in said:
                    yield word
            return
        share = canary(service)
        if share is None or not (kept := others(service, share.revision)):
            yield Skipped("it did not move")
            return
        moved = (*scaled(kept, 100), *tagged(service))
        async with aclosing(self._move(moved, rejected=share.revision)) as said:
            async for word in said:
                yield word
        service = await self._run.live()
        self._run.result.notes.append(pinned_note(service))
        yield Done(shares_text(service))

    async def _restore(self, service: Service) -> AsyncGenerator[Word]:
        """The traffic as it was before a revision that did not even start: nothing of it can serve."""
        kept = others(service, "")
        if [share.revision for share in kept] == [service.revision]:
            kept = (TrafficShare("", 100, is_latest=True),)
        async with aclosing(self._move((*kept, *tagged(service)))) as said:
            async for word in said:
                yield word
        yield Done(shares_text(await self._run.live()))

    async def _tagged(self) -> Service | None:
        """The service with its canary's tag in place; None when the newest revision serves all already."""
        service = await self._run.live()
        candidate = service.revision or ""
        self._run.result.revision = candidate
        kept = others(service, candidate)
        if not kept:
            return None
        share = canary(service)
        if share is not None and share.revision == candidate:
            return service
        served = sum(item.percent for item in service.traffic if item.revision == candidate)
        moved = (*scaled(kept, 100 - served), TrafficShare(candidate, served, CANARY_TAG), *tagged(service))
        async with aclosing(self._move(moved)) as said:
            async for _ in said:
                pass
        return await self._run.live()

    async def _move(self, shares: tuple[TrafficShare, ...], *, rejected: str = "") -> AsyncGenerator[Word]:
        run = self._run
        operation = await traffic.move(run.connection, run.spec.key, shares, rejected=rejected)
        async with aclosing(self._follow(operation)) as said:
            async for word in said:
                yield word

    async def _follow(self, operation: AsyncOperation) -> AsyncGenerator[Word]:
        run = self._run
        following = operations.follow(run.connection, run.spec.key, operation, clock=run.clock)
        async with aclosing(following) as said:
            async for words in said:
                yield words
