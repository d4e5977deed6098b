"""The tasks of all environments: listed side by side, and found by the beginning of an id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccconsole.cli import output
from ccconsole.config import Config, Environment
from ccconsole.errors import ConfigError, ConsoleError, NotFound, Refused, TimedOut

if TYPE_CHECKING:
    from ccconsole.journal import JournalReader
    from ccconsole.model.tasks import Task

SHOWN_MATCHES = 5


async def listed(
    environments: Sequence[Environment], timeout: float
) -> tuple[list[Task], list[tuple[Environment, ConsoleError]]]:
    """The tasks of those that answer in `timeout` seconds, newest first, and why the others do not."""
    from ccconsole import runs

    async def read(environment: Environment) -> list[Task] | ConsoleError:
        try:
            async with asyncio.timeout(timeout):
                return await runs.tasks(environment)
        except TimeoutError:
            return TimedOut(f"The journal of {environment.name} does not answer in {timeout:g} s")
        except ConsoleError as error:
            return error

    answers = await asyncio.gather(*map(read, environments))
    pairs = list(zip(environments, answers, strict=True))
    found = [task for _, answer in pairs if not isinstance(answer, ConsoleError) for task in answer]
    problems = [(environment, answer) for environment, answer in pairs if isinstance(answer, ConsoleError)]
    return sorted(found, key=lambda task: task.created_at, reverse=True), problems


async def find(config: Config, prefix: str, name: str | None, timeout: float) -> tuple[Environment, Task]:
    """The one task whose id begins with `prefix`, in the environment `name` or in any that has a store.

    Raises:
        NotFound: there is none; ConfigError: there are several; Refused: no environment has a store.
    """
    if name is not None:
        environments = [config.environment(name)]
    else:
        environments = [
            one for one in config.environments.values() if one.store is not None and not one.unset
        ]
    if not any(environment.store for environment in environments):
        raise Refused(
            f"{name or 'no environment'} has {'no' if name else 'a'} store",
            "Without a journal only the connection that started a task sees and controls it.",
            'Set store = "gs://bucket/prefix" in deploy.toml, and deploy again.',
        )
    problems: list[ConsoleError] = []

    async def matches(environment: Environment) -> list[tuple[Environment, JournalReader, str]]:
        from ccconsole.runs import journal

        try:
            reader = journal(environment)
            async with asyncio.timeout(timeout):
                return [(environment, reader, found) for found in await reader.ids(prefix)]
        except TimeoutError:
            problems.append(TimedOut(f"The journal of {environment.name} does not answer in {timeout:g} s"))
        except ConsoleError as error:
            problems.append(error)
        return []

    found = [match for some in await asyncio.gather(*map(matches, environments)) for match in some]
    exact = [match for match in found if match[2] == prefix]
    return await _only(prefix, exact or found, problems)


async def _only(
    prefix: str,
    found: list[tuple[Environment, JournalReader, str]],
    problems: list[ConsoleError],
) -> tuple[Environment, Task]:
    if not found and problems:
        raise problems[0]
    for problem in problems:
        output.note(problem.title)
    if not found:
        raise NotFound(f"no task begins with {prefix!r}", "", "ccconsole tasks lists those there are.")
    if len(found) > 1:
        some = ", ".join(
            f"{task_id} ({environment.name})" for environment, _, task_id in found[:SHOWN_MATCHES]
        )
        more = f" and {len(found) - SHOWN_MATCHES} more" if len(found) > SHOWN_MATCHES else ""
        raise ConfigError(
            f"{len(found)} tasks begin with {prefix!r}", f"{some}{more}", "Give more of the id, or --env."
        )
    environment, reader, task_id = found[0]
    return environment, await reader.task(task_id)
