"""What an environment needs, looked at one by one: each finding with the command that mends it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ccconsole.cloud.connect import Connections
from ccconsole.config import Environment
from ccconsole.doctor.findings import failed
from ccconsole.doctor.google import google_checks
from ccconsole.doctor.machine import machine_checks
from ccconsole.errors import ConsoleError, NotSignedIn
from ccconsole.model.checks import Check, CheckState

__all__ = ["checks", "gravest"]

_BY_GRAVITY = (3, 4, 2, 5, 6, 8, 1)
"""Exit codes: who is not signed in sees nothing else, who is denied cannot go on by himself."""


async def checks(connections: Connections, environment: Environment) -> AsyncGenerator[Check]:
    """All checks of one environment, as they are done; nothing is changed, and no worker is called."""
    try:
        connection = await connections.connection(environment)
    except ConsoleError as error:
        name = "login" if isinstance(error, NotSignedIn) else "connection"
        yield failed(environment, name, error)
        return
    if environment.is_local:
        yield Check(environment.name, "emulator", CheckState.OK, f"answers at {connection.target}")
        flow = machine_checks(connection)
    else:
        flow = google_checks(connection)
    async with aclosing(flow) as found:
        async for check in found:
            yield check


def gravest(found: list[Check]) -> int:
    """The exit code of the worst failure; 0 without any."""
    codes = {check.exit_code or 1 for check in found if check.state is CheckState.FAILED}
    return next((code for code in _BY_GRAVITY if code in codes), max(codes, default=0))
