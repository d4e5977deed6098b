"""What Cloud Run costs: Google's list prices in USD, the one table of them.

From https://cloud.google.com/run/pricing and, for the regions' tiers, https://cloud.google.com/run/docs/locations.
Taxes, discounts, other currencies, network traffic, builds and storage are not in it. deploy.toml's [prices]
replaces any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

SOURCE = "https://cloud.google.com/run/pricing"
AS_OF = "2026-10"
"""The month of the copy of that page that the first tier is from; the second tier, and the rates of idle
minimum instances, are from an older one."""


@dataclass(frozen=True)
class Prices:
    """USD per vCPU-second and per GiB-second, by how an instance is billed; `requests` per million."""

    request_cpu: float
    request_memory: float
    """Request-based: while an instance answers requests, starts or shuts down."""
    idle_cpu: float
    idle_memory: float
    """Request-based: a minimum instance that waits."""
    instance_cpu: float
    instance_memory: float
    """Instance-based: all of an instance's life."""
    requests: float
    """Request-based alone."""

    def replaced(self, own: Mapping[str, float]) -> Prices:
        """With prices of one's own in place of those of the same names."""
        return replace(self, **own)


TIER_1 = Prices(
    request_cpu=0.000024,
    request_memory=0.0000025,
    idle_cpu=0.0000025,
    idle_memory=0.0000025,
    instance_cpu=0.000018,
    instance_memory=0.000002,
    requests=0.40,
)
TIER_2 = Prices(
    request_cpu=0.0000336,
    request_memory=0.0000035,
    idle_cpu=0.0000035,
    idle_memory=0.0000035,
    instance_cpu=0.0000252,
    instance_memory=0.0000028,
    requests=0.40,
)
TIER_2_REGIONS = frozenset(
    (
        "africa-south1",
        "asia-east2",
        "asia-northeast3",
        "asia-south1",
        "asia-south2",
        "asia-southeast1",
        "asia-southeast2",
        "australia-southeast1",
        "australia-southeast2",
        "europe-central2",
        "europe-west2",
        "europe-west3",
        "europe-west6",
        "europe-west10",
        "europe-west12",
        "me-central1",
        "me-central2",
        "northamerica-northeast1",
        "northamerica-northeast2",
        "southamerica-east1",
        "southamerica-west1",
        "us-west2",
        "us-west3",
        "us-west4",
    )
)
"""All others are of the first tier."""
FREE_TIER = (
    "A billing account's first 180,000 vCPU-seconds, 360,000 GiB-seconds and 2 million requests a month "
    "(instance-based: 240,000 and 450,000) are free; they are not taken off."
)


def tier(region: str) -> int:
    """1 or 2."""
    return 2 if region in TIER_2_REGIONS else 1


def in_region(region: str, own: Mapping[str, float] | None = None) -> Prices:
    """The region's list prices, with one's own in their place."""
    return (TIER_1 if tier(region) == 1 else TIER_2).replaced(own or {})
