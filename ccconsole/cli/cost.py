"""`cost`: what services cost at their size, what they burned today, and what one task cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccconsole import format, prices
from ccconsole.cli import output
from ccconsole.cli.fleet import PARTIAL, OptionalTarget
from ccconsole.cli.output import Column, Format
from ccconsole.cli.session import ConfigOption, FormatOption, Session, TimeoutOption, run, session
from ccconsole.cli.targets import split
from ccconsole.config import Environment
from ccconsole.errors import ConfigError
from ccconsole.model.costs import Billing, Estimate, ServiceCost, Size

if TYPE_CHECKING:
    from ccconsole.spending import Spending


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("cost")(cost)


def cost(
    context: typer.Context,
    target: OptionalTarget = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="ID", help="What this task cost, in place of the services."),
    ] = None,
    form: FormatOption = Format.TABLE,
    config: ConfigOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """What each service costs per busy hour and idle month at its size, and what it burned today.

    List prices in USD, without the free tier, taxes, discounts, network and storage; [prices] in deploy.toml
    replaces them. Today's figure is billable time at today's size, as far as Cloud Monitoring knows; minimum
    instances that wait are in it at the price of busy ones.
    """
    options = session(context)
    raise typer.Exit(run(_task(options, target, task, form) if task else _cost(options, target, form)))


async def _cost(options: Session, target: str | None, form: Format) -> int:
    config = options.config
    chosen, name = (None, None) if target is None else split(config, target)
    if target is not None and name is not None:
        config.resolve(target)
    environments = [chosen] if chosen else list(config.environments.values())

    from ccconsole.cloud.connect import Connections
    from ccconsole.errors import TimedOut
    from ccconsole.spending import Spending, problem_of, spending

    async def read(environment: Environment) -> Spending:
        try:
            async with asyncio.timeout(options.timeout):
                return await spending(config, connections, environment)
        except TimeoutError:
            late = TimedOut(
                f"{environment.name} does not answer", f"Nothing came within {options.timeout:g} s."
            )
            return Spending(environment.name, problems=(problem_of(late, environment),), is_read=False)

    async with Connections(config) as connections:
        found = await asyncio.gather(*(read(environment) for environment in environments))
    costs = [one for part in found for one in part.costs if name in (None, one.key.name)]
    output.rows([_row(one) for one in costs], form, _columns())
    if form is Format.TABLE:
        _say_what_prices(costs, config.prices.keys())
    return _exit_code(found)


def _say_what_prices(costs: Sequence[ServiceCost], own: Sequence[str] | Any) -> None:
    output.note(f"List prices in USD as of {prices.AS_OF} ({prices.SOURCE}). {prices.FREE_TIER}")
    if own:
        output.note(f"From deploy.toml's [prices]: {', '.join(sorted(own))}.")
    if unpaid := sorted({one.key.environment for one in costs if not one.is_paid}):
        verb = "runs on this machine and costs" if len(unpaid) == 1 else "run on this machine and cost"
        output.note(f"{', '.join(unpaid)} {verb} nothing: the figures are what that size costs on Cloud Run.")


def _exit_code(found: Sequence[Spending]) -> int:
    problems = [problem for part in found for problem in part.problems]
    for problem in problems:
        output.error(problem)
    if not problems:
        return 0
    return PARTIAL if any(part.is_read for part in found) else problems[0].exit_code


def _row(found: ServiceCost) -> dict[str, Any]:
    by_request, by_instance = found.estimates
    today = found.today
    return {
        "environment": found.key.environment,
        "service": found.key.name,
        "region": found.size.region,
        "tier": prices.tier(found.size.region),
        **_size(found.size),
        "live": found.is_live,
        "paid": found.is_paid,
        "billing": str(found.billing),
        "request_based": _estimate(by_request),
        "instance_based": _estimate(by_instance),
        "today": {
            "usd": _usd(today.usd),
            "since": format.moment(today.since),
            "billable_seconds": today.billable_seconds,
            "requests": today.requests,
            "as_of": format.moment(today.as_of) or None,
            "problem": None if today.problem is None else today.problem.title,
        },
        "prices_as_of": prices.AS_OF,
    }


def _size(size: Size) -> dict[str, Any]:
    return {
        "cpu": size.cpus,
        "memory_gib": size.gib,
        "instances": {"min": size.min_instances, "max": size.max_instances},
    }


def _estimate(found: Estimate) -> dict[str, Any]:
    return {
        "busy_hour_usd": _usd(found.busy_hour),
        "full_hour_usd": _usd(found.full_hour),
        "idle_month_usd": _usd(found.idle_month),
    }


def _usd(dollars: float | None) -> float | None:
    """To a millionth, without the dust of binary fractions."""
    return None if dollars is None else round(dollars, 6)


def _columns() -> list[Column]:
    def bounds(row: output.Row) -> str:
        return f"{row['instances']['min']}-{row['instances']['max'] or format.NOTHING}"

    return [
        Column("ENV", lambda row: row["environment"]),
        Column("SERVICE", lambda row: row["service"]),
        Column("REGION", lambda row: f"{row['region']} ({row['tier']})"),
        Column("CPU", lambda row: f"{row['cpu']:g}"),
        Column("GIB", lambda row: f"{row['memory_gib']:g}"),
        Column("INST", bounds),
        Column("BILLED BY", lambda row: row["billing"]),
        Column("BUSY HOUR", lambda row: format.money(_held(row)["busy_hour_usd"])),
        Column("ALL BUSY", lambda row: format.money(_held(row)["full_hour_usd"])),
        Column("IDLE MONTH", lambda row: format.money(_held(row)["idle_month_usd"])),
        Column("TODAY", lambda row: format.money(row["today"]["usd"])),
        Column("OTHERWISE", _otherwise),
    ]


def _held(row: output.Row) -> Any:
    return row[f"{row['billing']}_based"]


def _otherwise(row: output.Row) -> str:
    """What the billing that does not hold would cost."""
    other = Billing.INSTANCE if row["billing"] == Billing.REQUEST else Billing.REQUEST
    found = row[f"{other}_based"]
    return (
        f"by {other}: {format.money(found['busy_hour_usd'])} busy hour, "
        f"{format.money(found['idle_month_usd'])} idle month"
    )


async def _task(options: Session, target: str | None, task_id: str, form: Format) -> int:
    from ccconsole import cost as costs
    from ccconsole import runs
    from ccconsole.spending import billing_of, is_paid

    if target is None:
        raise ConfigError(
            "--task needs TARGET",
            "Each environment has a journal of its own.",
            f"ccconsole cost TARGET --task {task_id}",
        )
    environment, _ = split(options.config, target)
    found = await runs.task(environment, task_id)
    spec = next((one for one in environment.services if one.key.name == found.service), None)
    if spec is None:
        raise ConfigError(
            f"The size of task {task_id}'s service is not known",
            f"deploy.toml declares no {found.service or 'service'} in {environment.name}.",
        )
    size, billing = costs.declared_size(spec), billing_of(environment)
    made = costs.of_task(found, size, billing, time.time(), options.config.prices)
    row = {
        "task": found.id,
        "service": str(spec.key),
        "state": str(found.state),
        "seconds": round(made.seconds, 1),
        **_size(size),
        "billing": str(billing),
        "paid": is_paid(environment),
        "compute_usd": _usd(made.compute),
        "tokens_usd": made.tokens,
        "total_usd": _usd(made.total),
        "prices_as_of": prices.AS_OF,
    }
    if form is Format.TABLE:
        row |= {key: format.money(row[key]) for key in ("compute_usd", "tokens_usd", "total_usd")}
    output.record(row, form)
    return 0
