"""Shares of the traffic, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ccconsole.cloud.gcloud import CANARY_TAG
from ccconsole.model.services import Service, TrafficShare


def shares_text(service: Service) -> str:
    """`REVISION 90%, REVISION 10%`."""
    return ", ".join(f"{share.revision} {share.percent}%" for share in service.traffic if share.percent)


def pinned_note(service: Service) -> str:
    """What to know of a service whose traffic does not follow its newest revision."""
    return (
        f"PINNED: {shares_text(service)}; a new revision serves 0%. To follow the newest: "
        f"ccconsole traffic {service.key} latest=100"
    )


def tagged(service: Service) -> tuple[TrafficShare, ...]:
    """The tags without traffic, which a move keeps; a canary's is not one of them."""
    return tuple(
        TrafficShare(share.revision, 0, share.tag, is_latest=share.is_latest)
        for share in service.traffic
        if share.tag and share.tag != CANARY_TAG
    )


def canary(service: Service) -> TrafficShare | None:
    """The share that carries the canary's tag."""
    return next((share for share in service.traffic if share.tag == CANARY_TAG), None)


def others(service: Service, candidate: str) -> tuple[TrafficShare, ...]:
    """What serves beside the candidate, each revision once and by its name."""
    found: dict[str, int] = {}
    for share in service.traffic:
        if share.percent and share.revision != candidate:
            found[share.revision] = found.get(share.revision, 0) + share.percent
    return tuple(TrafficShare(name, percent) for name, percent in found.items())


def scaled(shares: Sequence[TrafficShare], total: int) -> tuple[TrafficShare, ...]:
    """The shares in their proportions, of `total` percent in whole numbers."""
    whole = sum(share.percent for share in shares)
    made = [replace(share, percent=share.percent * total // whole) for share in shares]
    for index in range(total - sum(share.percent for share in made)):
        made[index] = replace(made[index], percent=made[index].percent + 1)
    return tuple(made)
