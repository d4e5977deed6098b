"""Changes that deploy.toml does not declare, planned: traffic, how many instances, the end of a service.

Each is an `Adjustment` to be shown and confirmed; `adjust` then does it.
"""

from __future__ import annotations

from collections.abc import Sequence

from google.cloud import run_v2

from ccconsole.cloud import deploy as cloud_deploy
from ccconsole.cloud import gcloud, traffic
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.services import model_of, revisions
from ccconsole.errors import ConfigError, NotFound, Refused
from ccconsole.model.rollouts import Adjustment, Advice, AdviceKind, Change
from ccconsole.model.services import Revision, Service, ServiceKey, TrafficShare
from ccconsole.rollouts.planning import in_flight
from ccconsole.rollouts.shares import shares_text, tagged

LATEST = "latest"


async def rollback(connection: Connection, key: ServiceKey, to: str | None = None) -> Adjustment:
    """All traffic to the revision that was there before, or to the named one; no revision is made.

    One that was rolled back already stays where it is. Raises NotFound without such a revision, Refused
    for one that is not ready.
    """
    live, service = await read(connection, key)
    known = await revisions(connection, key.name, key.region)
    target = _named(known, to, key) if to else _before(known, service, traffic.rejected_of(live.annotations))
    shares = (TrafficShare(target, 100), *tagged(service))
    text = f"all traffic of {key} goes to {target}; no revision is made"
    return _moved(connection, service, "rollback", text, shares)


def share(text: str) -> tuple[str, int]:
    """`REVISION=PERCENT`, or `latest=PERCENT`, as (revision, percent); raises ConfigError."""
    name, equals, percent = text.rpartition("=")
    if not equals or not name or not percent.removesuffix("%").isdecimal():
        raise ConfigError(
            f"{text!r} is no share", "A share is a revision and its percent.", "For example: latest=100"
        )
    return name, int(percent.removesuffix("%"))


async def redirect(connection: Connection, key: ServiceKey, wanted: Sequence[tuple[str, int]]) -> Adjustment:
    """Traffic by (revision or `latest`, percent); ConfigError, NotFound or Refused for what cannot be."""
    if sum(percent for _, percent in wanted) != 100 or any(percent < 0 for _, percent in wanted):
        total = sum(percent for _, percent in wanted)
        raise ConfigError("The shares are not 100 percent", f"They are {total}.", "For example: latest=100")
    _, service = await read(connection, key)
    known = await revisions(connection, key.name, key.region)
    shares = [
        TrafficShare("", percent, is_latest=True)
        if name == LATEST
        else TrafficShare(_named(known, name, key), percent)
        for name, percent in wanted
        if percent
    ]
    text = f"traffic of {key} goes to " + ", ".join(
        f"{share.revision or 'the newest revision'} {share.percent}%" for share in shares
    )
    return _moved(connection, service, "traffic", text, (*shares, *tagged(service)))


async def scale(connection: Connection, key: ServiceKey, low: int, high: int) -> Adjustment:
    """New bounds of the instances: the service's own, without a new revision where that is possible.

    A revision's own maximum holds beside the service's, so only above it a revision is made.
    """
    if not 0 <= low <= high or high < 1:
        raise ConfigError("Those are no bounds", f"{low} to {high}.", "For example: ccconsole scale dev 0 5")
    live, service = await read(connection, key)
    own = live.template.scaling
    is_low_own, is_high_own = own.min_instance_count > low, high > (own.max_instance_count or high)
    present = _bounds(live)
    changes = [
        Change("instances.min", str(present[0]), str(low), is_low_own),
        Change("instances.max", str(present[1] or "-"), str(high), is_high_own),
    ]
    is_revision = is_low_own or is_high_own
    advice: tuple[Advice, ...] = ()
    if is_revision and service.is_pinned:
        text = f"it takes a new revision, and traffic is pinned to {shares_text(service)}"
        advice = (Advice(AdviceKind.PINNED, text, f"ccconsole traffic {key} latest=100"),)
    return Adjustment(
        key,
        "scale",
        f"{key} keeps {low} to {high} instances" + ("; it takes a new revision" if is_revision else ""),
        gcloud.scale(key, connection.environment, low, high, is_revision=is_revision),
        live.etag,
        tuple(change for change in changes if change.live != change.declared),
        instances=(low, high),
        advice=advice,
    )


async def delete(connection: Connection, key: ServiceKey) -> Adjustment:
    """The end of a service with all its revisions."""
    live, _ = await read(connection, key)
    count, advice = await in_flight(connection.environment, key)
    if count:
        text = f"{count} {'task runs' if count == 1 else 'tasks run'} on it and will be cut off"
        advice = (Advice(AdviceKind.IN_FLIGHT, text, f"ccconsole tasks {key.environment} --running"),)
    if connection.environment.is_local and any(spec.key == key for spec in connection.environment.services):
        text = "deploy.toml declares it, so the next command puts it in place again"
        advice = (*advice, Advice(AdviceKind.DRIFT, text, "take it out of deploy.toml to keep it away"))
    text = f"{key} is deleted, with its address and all its revisions"
    return Adjustment(
        key,
        "delete",
        text,
        gcloud.delete(key, connection.environment),
        live.etag,
        advice=advice,
        in_flight=count,
    )


async def read(connection: Connection, key: ServiceKey) -> tuple[run_v2.Service, Service]:
    """The service, Google's and the model's; NotFound when there is none."""
    live = await cloud_deploy.live_service(connection, key)
    if live is None:
        raise NotFound(f"{key} is not deployed", "", f"ccconsole deploy {key}")
    return live, model_of(live, key)


def _before(known: Sequence[Revision], service: Service, rejected: Sequence[str]) -> str:
    """The revision that a rollback goes to."""
    order = [revision.name for revision in known if revision.is_ready]
    serving = [share.revision for share in service.traffic if share.percent]
    newest = next((name for name in order if name in serving), None)
    if service.is_pinned and len(serving) == 1 and newest is not None and newest != order[0]:
        return newest
    behind = order[order.index(newest) + 1 :] if newest in order else order[1:]
    for name in behind:
        if name not in rejected:
            return name
    raise NotFound(
        f"{service.key} has no revision to go back to",
        f"{newest or 'Nothing'} serves, and no ready revision is older.",
        f"What there is: ccconsole get {service.key}",
    )


def _named(known: Sequence[Revision], name: str, key: ServiceKey) -> str:
    found = next((revision for revision in known if revision.name == name), None)
    if found is None:
        ready = ", ".join(revision.name for revision in known if revision.is_ready) or "none"
        raise NotFound(f"{key} has no revision {name!r}", f"Ready are: {ready}.", f"ccconsole get {key}")
    if not found.is_ready:
        raise Refused(f"{name} cannot serve", found.message or "It is not ready.", f"ccconsole get {key}")
    return name


def _moved(
    connection: Connection, service: Service, verb: str, text: str, shares: tuple[TrafficShare, ...]
) -> Adjustment:
    before, after = _split(service.traffic), _split(shares)
    changes = tuple(
        Change(f"traffic.{name}", before.get(name), after.get(name), False)
        for name in dict.fromkeys((*after, *before))
        if before.get(name) != after.get(name)
    )
    command = gcloud.traffic(service.key, connection.environment, shares)
    return Adjustment(service.key, verb, text, command, service.etag, changes, traffic=shares)


def _split(shares: Sequence[TrafficShare]) -> dict[str, str]:
    found: dict[str, int] = {}
    for share in shares:
        if share.percent:
            name = LATEST if share.is_latest else share.revision
            found[name] = found.get(name, 0) + share.percent
    return {name: f"{percent}%" for name, percent in found.items()}


def _bounds(live: run_v2.Service) -> tuple[int, int]:
    own, shared = live.template.scaling, live.scaling
    highs = [count for count in (own.max_instance_count, shared.max_instance_count) if count]
    return max(own.min_instance_count, shared.min_instance_count), min(highs, default=0)
