"""Changes of services while they are under way: the live conditions' words, and how they ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import grpc
from google.api_core import exceptions
from google.api_core.operation_async import AsyncOperation
from google.cloud import run_v2

from ccconsole.cloud import deploy
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.failures import failure
from ccconsole.model.services import ServiceKey
from ccconsole.streams import Clock

CONFIGURATIONS, ROUTES = "ConfigurationsReady", "RoutesReady"
NEAR_PAUSE, PAUSE = 0.1, 1.0
"""Seconds between two looks: gcloud's own second at Google."""
PATIENCE = 5
"""So many looks in a row may fail: an outage of seconds ends no deployment of minutes."""
_FAILED_PRECONDITION = 9
_WORDS = {CONFIGURATIONS: "starting revision {revision}", ROUTES: "routing traffic"}
_PENDING = (
    run_v2.Condition.State.CONDITION_PENDING,
    run_v2.Condition.State.CONDITION_RECONCILING,
    run_v2.Condition.State.STATE_UNSPECIFIED,
)


async def follow(
    connection: Connection,
    key: ServiceKey,
    operation: AsyncOperation,
    *,
    until: str | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[str]:
    """What the operation's service says of itself, at each change, to the operation's end.

    With `until` only to the success of that condition. Raises RolloutFailed for a revision that did not
    start, ConsoleError for any other end that is no success.
    """
    clock, said, failures = clock or Clock(), "", 0
    while True:
        try:
            is_done = await operation.done(retry=None)  # type: ignore[no-untyped-call]
            failures = 0
        except (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded) as error:
            failures += 1
            if failures > PATIENCE:
                raise await failure(connection, key, error) from error
            is_done = False
        if is_done:
            break
        raw = operation.metadata
        if raw is not None and isinstance(raw, run_v2.Service):
            if until is not None and is_true(raw, until):
                return
            if (text := words(raw)) != said:
                said = text
                yield text
        await clock.sleep(pause(connection))
    if operation.operation.HasField("error"):
        await operation.exception()  # type: ignore[no-untyped-call]  # else asyncio calls it never retrieved
        status = operation.operation.error
        raised = _error(status.code, status.message)
        raise await failure(connection, key, raised) from raised


async def settle(
    connection: Connection, key: ServiceKey, *, clock: Clock | None = None
) -> AsyncGenerator[str]:
    """The same for a change whose operation nobody remembers, by the service alone."""
    clock, said = clock or Clock(), ""
    while True:
        live = await deploy.live_service(connection, key)
        if live is None or not live.reconciling:
            break
        if (text := words(live)) != said:
            said = text
            yield text
        await clock.sleep(pause(connection))
    if live is not None and live.terminal_condition.state == run_v2.Condition.State.CONDITION_FAILED:
        raised = _error(_FAILED_PRECONDITION, live.terminal_condition.message)
        raise await failure(connection, key, raised) from raised


def words(live: run_v2.Service) -> str:
    """The condition that is waited for, in its own words where it has some."""
    pending = {
        condition.type_: str(condition.message)
        for condition in live.conditions
        if condition.state in _PENDING
    }
    revision = live.latest_created_revision.rsplit("/", 1)[-1]
    for kind, otherwise in _WORDS.items():
        if kind in pending:
            return pending[kind] or otherwise.format(revision=revision)
    return str(live.terminal_condition.message) or "waiting for Cloud Run"


def is_true(live: run_v2.Service, kind: str) -> bool:
    """Whether the condition holds."""
    succeeded = run_v2.Condition.State.CONDITION_SUCCEEDED
    return any(condition.type_ == kind and condition.state == succeeded for condition in live.conditions)


def pause(connection: Connection) -> float:
    """Seconds between two looks."""
    return PAUSE if connection.target is None else NEAR_PAUSE


def _error(number: int, message: str) -> exceptions.GoogleAPICallError:
    """The exception of a google.rpc.Code."""
    codes = {code.value[0]: code for code in grpc.StatusCode}
    build: Any = exceptions.from_grpc_status
    found: exceptions.GoogleAPICallError = build(codes.get(number, grpc.StatusCode.UNKNOWN), message)
    return found
