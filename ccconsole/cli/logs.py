"""`logs`: what services said, and with -f what they say, merged in the order of its time."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ccconsole.cli import output
from ccconsole.cli.interrupts import interrupts, running
from ccconsole.cli.log_printer import Form, Printer
from ccconsole.cli.session import ConfigOption, Session, TimeoutOption, run, session
from ccconsole.cli.targets import complete_target, split
from ccconsole.config import Environment
from ccconsole.errors import ConfigError, ConsoleError, TimedOut
from ccconsole.model.logs import LogBatch, LogMode, LogQuery, Severity

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connection, Connections

_News = tuple[str, LogBatch | ConsoleError]
"""An environment's name and what came of it."""
PARTIAL = 7
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class SeverityName(StrEnum):
    """What `--severity` takes."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    NOTICE = "NOTICE"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("logs")(logs)


def logs(
    context: typer.Context,
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET...",
            help="Environments, or environment/service; several are merged.",
            autocompletion=complete_target,
        ),
    ],
    is_following: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes; Ctrl-C ends it.")
    ] = False,
    since: Annotated[
        str, typer.Option(metavar="WHEN", help="How long ago (90s, 10m, 2h, 7d), or a time in ISO 8601.")
    ] = "10m",
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Likewise; now when not given.")] = None,
    severity: Annotated[
        SeverityName | None, typer.Option(case_sensitive=False, help="At least so grave.")
    ] = None,
    grep: Annotated[
        str, typer.Option(metavar="RE", help="Only lines in which this regular expression is found.")
    ] = "",
    task: Annotated[str, typer.Option(metavar="ID", help="Only the lines of this task.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="The newest so many of the past; 0 for all.")] = 1000,
    form: Annotated[Form, typer.Option("--output", "-o", help="How to print it.")] = Form.TEXT,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """The log lines of services, oldest first: what they printed, their requests, and the platform's words.

    As text, a line is its time (UTC), severity, service/instance and text. What Google withholds from a live
    tail is counted on stderr. Ctrl-C ends -f with exit code 0.
    """
    now = time.time()
    query = LogQuery(
        since=when(since, now),
        until=None if until is None else when(until, now),
        severity=Severity.DEFAULT if severity is None else Severity[severity],
        pattern=grep,
        task_id=task,
    )
    _check(query, form, is_following=is_following)
    flow = _Logs(session(context), targets, query, limit or None, Printer(form))
    raise typer.Exit(run(flow.follow() if is_following else flow.show()))


def when(text: str, now: float) -> float:
    """`10m` as so long before now, or an ISO 8601 time, in seconds since the epoch; raises ConfigError."""
    if match := _SPAN.fullmatch(text):
        return now - float(match[1]) * _SECONDS[match[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{text!r} is no time",
            "It takes a span or a time.",
            "For example: 90s, 10m, 2026-05-04T09:30:00Z",
        ) from error


def _check(query: LogQuery, form: Form, *, is_following: bool) -> None:
    if is_following and query.until is not None:
        raise ConfigError("--until ends what -f goes on with", "Only one of them can hold.", "Leave one out.")
    if is_following and form is Form.JSON:
        raise ConfigError("-o json is one list", "A list ends, -f does not.", "One object a line: -o ndjson")


class _Logs:
    def __init__(
        self, options: Session, targets: Sequence[str], query: LogQuery, limit: int | None, printer: Printer
    ) -> None:
        self._options = options
        self._targets = targets
        self._query = query
        self._limit = limit
        self._printer = printer

    async def show(self) -> int:
        """Print what there is; the exit code."""
        from ccconsole.cloud.connect import Connections
        from ccconsole.cloud.log_filter import compiled

        compiled(self._query.pattern)
        wanted = self._wanted()
        async with Connections(self._options.config) as connections:
            found = await asyncio.gather(*(self._past(connections, *one) for one in wanted))
        errors = [one for one in found if isinstance(one, ConsoleError)]
        if errors and len(errors) == len(found):
            raise errors[0]
        batches = [batch for one in found if not isinstance(one, ConsoleError) for batch in one]
        self._printer.past(batches, self._limit)
        self._printer.close()
        if not any(batch.entries for batch in batches) and not errors:
            asked = ", ".join(self._targets)
            output.note(
                f"nothing of {asked} matches in that time: try --since 1d; what there is: ccconsole ls"
            )
        for error in errors:
            output.error(error)
        return PARTIAL if errors else 0

    async def follow(self) -> int:
        """Print what there is and what comes, until Ctrl-C; the exit code."""
        from ccconsole.cloud.connect import Connections

        wanted = self._wanted()
        news: asyncio.Queue[_News] = asyncio.Queue(maxsize=100)
        async with interrupts() as presses, Connections(self._options.config) as connections:
            flows = self._all(connections, wanted, news)
            printed = self._print(news, {environment.name for environment, _ in wanted})
            async with running(flows), running(printed) as printing:
                return await printing if await presses.ended_first(printing) else 0

    def _wanted(self) -> list[tuple[Environment, frozenset[str]]]:
        """Each environment once, with the services that are meant; none: all."""
        found: dict[str, tuple[Environment, frozenset[str]]] = {}
        for target in self._targets:
            environment, service = split(self._options.config, target)
            _, known = found.get(environment.name, (environment, frozenset([service or ""])))
            is_all = service is None or not known
            found[environment.name] = (environment, frozenset() if is_all else known | {service or ""})
        return list(found.values())

    async def _query_of(
        self, connection: Connection, environment: Environment, chosen: frozenset[str]
    ) -> LogQuery:
        """The query for these services, or for all that the environment has or declares."""
        from ccconsole.cloud.services import services

        names = set(chosen)
        if not chosen:
            names = {spec.key.name for spec in environment.services}
            with contextlib.suppress(ConsoleError):  # who may not list services may yet read logs
                names |= {service.key.name for service in await services(connection)}
        return replace(self._query, services=tuple(sorted(names)), regions=environment.regions)

    async def _past(
        self, connections: Connections, environment: Environment, chosen: frozenset[str]
    ) -> list[LogBatch] | ConsoleError:
        from ccconsole.cloud.logs import history

        timeout = self._options.timeout
        try:
            async with asyncio.timeout(timeout):
                connection = await connections.connection(environment)
                query = await self._query_of(connection, environment, chosen)
                async with aclosing(history(connection, query, limit=self._limit)) as batches:
                    return [batch async for batch in batches]
        except TimeoutError:
            hint = "Give it longer: --timeout 60, or ask for less: --since, --limit"
            return TimedOut(f"{environment.name} does not answer", f"Not all came in {timeout:g} s.", hint)
        except ConsoleError as error:
            return error

    async def _all(
        self,
        connections: Connections,
        wanted: Sequence[tuple[Environment, frozenset[str]]],
        news: asyncio.Queue[_News],
    ) -> None:
        async with asyncio.TaskGroup() as group:
            for environment, chosen in wanted:
                group.create_task(self._one(connections, environment, chosen, news))

    async def _one(
        self,
        connections: Connections,
        environment: Environment,
        chosen: frozenset[str],
        news: asyncio.Queue[_News],
    ) -> None:
        from ccconsole.cloud.logs import follow

        def connect() -> Awaitable[Connection]:
            return connections.connection(environment)

        try:
            query = await self._query_of(await connect(), environment, chosen)
            async with aclosing(follow(connect, environment, query, limit=self._limit)) as batches:
                async for batch in batches:
                    await news.put((environment.name, batch))
        except ConsoleError as error:
            await news.put((environment.name, error))

    async def _print(self, news: asyncio.Queue[_News], names: set[str]) -> int:
        """The pasts of all environments as one, then each batch as it comes; ends when all have failed."""
        waiting, past = set(names), list[LogBatch]()
        errors: list[ConsoleError] = []
        deadline = asyncio.get_running_loop().time() + self._options.timeout
        while len(errors) < len(names):
            try:
                async with asyncio.timeout_at(deadline if waiting else None):
                    name, item = await news.get()
            except TimeoutError:
                output.note(f"nothing yet from {', '.join(sorted(waiting))}")
                waiting.clear()
            else:
                if isinstance(item, ConsoleError):
                    output.error(item)
                    errors.append(item)
                else:
                    past.append(item)
                if isinstance(item, ConsoleError) or item.mode is not LogMode.HISTORY:
                    waiting.discard(name)
            if not waiting:
                self._printer.past(past, None)
                past.clear()
        return errors[0].exit_code
