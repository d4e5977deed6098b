"""Distributions as Cloud Monitoring keeps them: values counted in buckets, merged, and read as percentiles.

Pure, and shared by both sides of the wire. A percentile is interpolated within its bucket, so it is an
estimate; that of several series is the percentile of their merged distribution, never a mean of percentiles.
Shapes: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/TypedValue#Distribution.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

Bounds = tuple[float, ...]
"""Ascending. Bucket 0 is below the first, bucket n from bound n-1 to below bound n, the last one is open."""


@lru_cache(maxsize=256)
def exponential(count: int, growth: float, scale: float) -> Bounds:
    """The bounds of `count` finite buckets, the n-th from scale * growth^(n-1) to scale * growth^n."""
    return tuple(scale * growth**n for n in range(count + 1))


@lru_cache(maxsize=256)
def linear(count: int, width: float, offset: float) -> Bounds:
    """The bounds of `count` finite buckets of equal width, the first from `offset`."""
    return tuple(offset + width * n for n in range(count + 1))


@dataclass(frozen=True, slots=True)
class Distribution:
    """Some values: how many in each bucket, and exactly their number and mean."""

    bounds: Bounds
    counts: tuple[int, ...]
    """By bucket; trailing zeros may be left out."""
    count: int
    mean: float
    deviation: float = 0.0
    """The sum of squared deviations from the mean."""

    def percentile(self, percent: float) -> float | None:
        """About the value below which `percent` of the values are; None without values.

        Values are taken to be spread evenly in their bucket. One alone is known exactly: it is the mean. The
        two outer buckets have one bound, which is then the answer.
        """
        if self.count <= 0 or not self.counts:
            return None
        if self.count == 1:
            return self.mean
        wanted = percent / 100 * sum(self.counts)
        below = 0
        for bucket, inside in enumerate(self.counts):
            if inside and below + inside >= wanted:
                return self._within(bucket, max(wanted - below, 0.0) / inside)
            below += inside
        return self._within(len(self.counts) - 1, 1.0)

    def _within(self, bucket: int, share: float) -> float:
        if not self.bounds:
            return self.mean
        if bucket == 0:
            return self.bounds[0]
        if bucket >= len(self.bounds):
            return self.bounds[-1]
        low, high = self.bounds[bucket - 1], self.bounds[bucket]
        return low + (high - low) * share


def of(values: Iterable[float], bounds: Bounds) -> Distribution:
    """The distribution of values."""
    found = list(values)
    counts = [0] * (len(bounds) + 1)
    for value in found:
        counts[bisect_right(bounds, value)] += 1
    while counts and counts[-1] == 0:
        counts.pop()
    mean = sum(found) / len(found) if found else 0.0
    return Distribution(bounds, tuple(counts), len(found), mean, sum((value - mean) ** 2 for value in found))


def merged(parts: Iterable[Distribution]) -> Distribution | None:
    """All values of all parts; None when there are none. Raises ValueError for different buckets."""
    found = [part for part in parts if part.count > 0]
    if not found:
        return None
    whole = found[0]
    for part in found[1:]:
        whole = _sum(whole, part)
    return whole


def _sum(first: Distribution, second: Distribution) -> Distribution:
    if first.bounds != second.bounds:
        raise ValueError("distributions with different buckets cannot be merged")
    count = first.count + second.count
    apart = second.mean - first.mean
    return Distribution(
        first.bounds,
        tuple(a + b for a, b in zip_longest(first.counts, second.counts, fillvalue=0)),
        count,
        first.mean + apart * second.count / count,
        # Chan, Golub, LeVeque: the parallel form of the sum of squared deviations.
        first.deviation + second.deviation + apart**2 * first.count * second.count / count,
    )
