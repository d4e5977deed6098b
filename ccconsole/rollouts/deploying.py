"""A deployment: from what the project needs to a revision that answers; each stage finds what is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from google.api_core import exceptions
from google.api_core.operation_async import AsyncOperation
from google.cloud import run_v2

from ccconsole.cloud import deploy as cloud_deploy
from ccconsole.cloud import identity, operations, registry, traffic
from ccconsole.cloud import plan as cloud_plan
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.engine import Built
from ccconsole.cloud.errors import ApiDisabled, translated
from ccconsole.cloud.services import model_of
from ccconsole.config import Environment, ServiceSpec
from ccconsole.errors import ConsoleError, NotFound, Unreachable
from ccconsole.model.rollouts import Action, AdviceKind, Plan, Rollout
from ccconsole.model.services import Service, TrafficShare
from ccconsole.rollouts import preparing
from ccconsole.rollouts.shares import pinned_note, shares_text
from ccconsole.rollouts.stages import Done, Result, Skipped, Step, Word, Work, course
from ccconsole.streams import Clock
from ccconsole.worker_client import hello

IdToken = Callable[[Environment, str], Awaitable[str | None]]
"""Of an environment and a service's address the ID token that opens it; None: it needs none."""
ENABLED_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Between the tries at an API that was enabled a moment ago; Google says it may take minutes."""
_TITLES = {
    "apis": "APIs",
    "repository": "Repository",
    "image": "Image",
    "secrets": "Secrets",
    "access": "Secret access",
}
VERIFY_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Between the tries to reach a service whose first address may not be known everywhere yet."""


@dataclass(frozen=True)
class Build:
    """From which folder an image is built; `is_forced`: also where one is there."""

    folder: Path
    is_forced: bool = False


@dataclass
class Run:
    """One deployment under way, and what its stages hand on."""

    connection: Connection
    spec: ServiceSpec
    plan: Plan
    id_token: IdToken = identity.id_token
    clock: Clock = field(default_factory=Clock)
    build: Build | None = None
    """None: an image that is missing is a failure."""
    result: Result = field(default_factory=Result)
    image: str | None = None
    """What the image stage made of the plan's."""
    operation: AsyncOperation | None = None
    canary_shares: tuple[TrafficShare, ...] | None = None
    """The traffic that the new revision is made with, in place of what it finds."""

    async def live(self) -> Service:
        """The service now; what the stages know of it is renewed."""
        found = await cloud_deploy.live_service(self.connection, self.spec.key)
        if found is None:
            raise ConsoleError(
                f"{self.spec.key} is gone",
                "Somebody deleted it meanwhile.",
                f"ccconsole deploy {self.spec.key}",
            )
        service = model_of(found, self.spec.key)
        self.result.url = service.uri
        return service


def deploy(
    connection: Connection,
    spec: ServiceSpec,
    plan: Plan,
    *,
    build: Build | None = None,
    id_token: IdToken = identity.id_token,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Rollout]:
    """Carry the plan out; a plan whose service has changed since is refused before anything is done.

    Each stage looks first at what is there, so that the same deployment after a failure, or after this
    process was killed, goes on where it makes sense. The old revision serves until the new one is ready.
    """
    run = Run(connection, spec, plan, id_token, clock or Clock(), build)
    steps = [
        Step("revision", "Revision", lambda: revision(run)),
        Step("traffic", "Traffic", lambda: routing(run)),
        Step("invoker", "Who may call", lambda: invoker(run)),
        Step("verify", "Verify", lambda: verify(run)),
    ]
    return course(spec.key, "deploy", [*preparation(run), *steps], run.result, clock=run.clock, stop=stop)


def preparation(run: Run) -> list[Step]:
    """What a project needs before a revision."""
    connection, spec = run.connection, run.spec
    if connection.environment.is_local:
        reasons = {
            "apis": "the emulator needs none enabled",
            "repository": "no registry: the emulator runs the bundled worker",
            "image": f"{spec.image} is a name of the emulator's",
            "secrets": "taken from your environment variables",
            "access": "no service account on this machine",
        }
        return [Step(name, _TITLES[name], _skip(reason)) for name, reason in reasons.items()]
    works = {
        "apis": preparing.enabling(connection, run.clock),
        "repository": preparing.repository(connection, run.plan.image, run.clock),
        "image": lambda: image(run),
        "secrets": preparing.secrets(connection, spec),
        "access": preparing.access(connection, spec),
    }
    return [Step(name, _TITLES[name], work) for name, work in works.items()]


def _skip(reason: str) -> Work:
    async def work() -> AsyncGenerator[Word]:
        yield Skipped(reason)

    return work


async def image(run: Run) -> AsyncGenerator[Word]:
    """The image, by its digest; built where the tag stands for nothing, or where that is asked for."""
    if "@" in run.plan.image:
        yield Skipped(f"{run.plan.image.partition('@')[2][:19]} is there")
        return
    pinned, advice = await preparing.resolved(run.connection, run.plan.image)
    is_missing = bool(advice) and advice[0].kind is AdviceKind.IMAGE
    if run.build is None or not (is_missing or run.build.is_forced):
        run.image = pinned
        if "@" in pinned:
            yield Done(f"pinned to {pinned.partition('@')[2][:19]}")
        elif is_missing:
            raise NotFound(
                "The image is missing", f"{advice[0].text}.", "Build and push it, or name one: --image"
            )
        else:
            yield Skipped(f"{pinned} is taken as it is")
        return
    making = preparing.built(run.connection, run.plan.image, run.build.folder, run.clock)
    async with aclosing(making) as said:
        async for line in said:
            if isinstance(line, Built):
                address = registry.parse(run.plan.image)
                run.image = address.pinned(line.digest) if address else run.plan.image
                yield Done(f"built and pushed {line.digest[:19]}")
            else:
                yield line


async def revision(run: Run) -> AsyncGenerator[Word]:
    """Make the revision, or find it made; to the moment it is ready."""
    key, connection = run.spec.key, run.connection
    live = await cloud_deploy.live_service(connection, key)
    if run.plan.action is Action.NONE and live is not None:
        async with aclosing(operations.settle(connection, key, clock=run.clock)) as said:
            async for words in said:
                yield words
        service = await run.live()
        run.result.revision = service.latest_created_revision
        yield Skipped(f"{service.latest_created_revision} is what is declared")
        return
    if ("" if live is None else live.etag) != run.plan.etag:
        raise traffic.stale(key)
    made = cloud_plan.wanted(run.spec, connection.environment, live, run.image or run.plan.image)
    has_failed = any(advice.kind is AdviceKind.FAILED for advice in run.plan.advice)
    if live is not None and has_failed and not run.plan.is_new_revision:
        cloud_plan.retried(made, live)
    if run.canary_shares is not None:
        made.traffic = traffic.targets(run.canary_shares)
    run.operation = await _begin(run, made, is_new=live is None)
    following = operations.follow(
        connection, key, run.operation, until=operations.CONFIGURATIONS, clock=run.clock
    )
    async with aclosing(following) as said:
        async for words in said:
            yield words
    service = await run.live()
    run.result.revision = service.latest_created_revision
    if run.plan.is_new_revision or not run.plan.changes:
        yield Done(f"{service.latest_created_revision} is ready")
    else:
        yield Done(f"changed without a new revision; {service.revision} serves")


async def _begin(run: Run, made: run_v2.Service, *, is_new: bool) -> AsyncOperation:
    """Send it; an API that was just enabled is not known everywhere at once."""
    waits = list(ENABLED_SECONDS)
    while True:
        try:
            with translated(run.connection.environment, f"deploy {run.spec.key}"):
                try:
                    return await cloud_plan.send(run.connection, run.spec, made, is_new=is_new)
                except (exceptions.Aborted, exceptions.AlreadyExists) as error:
                    raise traffic.stale(run.spec.key) from error
        except ApiDisabled:
            if not waits:
                raise
            await run.clock.sleep(waits.pop(0))


async def routing(run: Run) -> AsyncGenerator[Word]:
    """Wait for the route, and say what serves now."""
    key = run.spec.key
    if run.operation is not None:
        following = operations.follow(run.connection, key, run.operation, clock=run.clock)
        async with aclosing(following) as said:
            async for words in said:
                yield words
    service = await run.live()
    shares = shares_text(service)
    if service.is_pinned:
        run.result.notes.append(pinned_note(service))
        yield Skipped(f"pinned: {shares}")
    else:
        yield Done(shares)


async def invoker(run: Run) -> AsyncGenerator[Word]:
    """Who may call: anybody by the service's own switch, or whom its policy names."""
    if run.connection.environment.is_local:
        yield Skipped("whoever is on this machine")
        return
    if run.spec.is_public:
        yield Done("public: anybody may call it")
        return
    removed = await cloud_plan.close(run.connection, run.spec)
    if removed:
        yield Done(f"private: took {', '.join(removed)} out of {cloud_plan.INVOKER}")
    else:
        yield Skipped(f"private: who has {cloud_plan.INVOKER} may call it")


async def verify(run: Run) -> AsyncGenerator[Word]:
    """Whether the worker answers through the service's address."""
    service = await run.live()
    if service.uri is None:
        raise ConsoleError(f"{run.spec.key} has no address", service.message, f"ccconsole get {run.spec.key}")
    yield f"GET {service.uri}/hello"
    yield Done(await answer(run.connection, service.uri, run.id_token, run.clock))


async def answer(
    connection: Connection, url: str, id_token: IdToken, clock: Clock, *, audience: str | None = None
) -> str:
    """What the worker behind an address says of itself, in a few words; tried again while nobody answers."""
    token = await id_token(connection.environment, audience or url)
    failures = 0
    while True:
        try:
            said = await hello(url, token=token)
        except Unreachable:
            if failures == len(VERIFY_SECONDS):
                raise
            await clock.sleep(VERIFY_SECONDS[failures])
            failures += 1
        else:
            return f"it answers: {said.get('status', 'no status')}"
