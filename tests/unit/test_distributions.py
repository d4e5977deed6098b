"""Buckets, merging and percentiles, against figures worked out by hand."""

from __future__ import annotations

import random
import statistics

import pytest

from ccconsole import distributions
from ccconsole.distributions import Bounds, Distribution, exponential, linear, merged, of

POWERS = exponential(4, 2.0, 1.0)
TENS = linear(4, 10.0, 0.0)
EXPLICIT = (0.0, 5.0, 50.0)


def test_the_bounds_of_each_kind_of_bucket() -> None:
    assert POWERS == (1.0, 2.0, 4.0, 8.0, 16.0)
    assert TENS == (0.0, 10.0, 20.0, 30.0, 40.0)
    assert exponential(0, 2.0, 3.0) == (3.0,)


@pytest.mark.parametrize(
    ("bounds", "counts", "percent", "expected"),
    [
        # All ten in 10..20: the median is in the middle of the bucket.
        (TENS, (0, 0, 10), 50, 15.0),
        (TENS, (0, 0, 10), 95, 19.5),
        (TENS, (0, 0, 10), 0, 10.0),
        (TENS, (0, 0, 10), 100, 20.0),
        # Half in 0..10, half in 30..40: the 50th ends the first, the 75th is half way through the last.
        (TENS, (0, 4, 0, 0, 4), 50, 10.0),
        (TENS, (0, 4, 0, 0, 4), 75, 35.0),
        # 2 in 1..2, 6 in 4..8, 2 in 8..16.
        (POWERS, (0, 2, 0, 6, 2), 20, 2.0),
        (POWERS, (0, 2, 0, 6, 2), 50, 6.0),
        (POWERS, (0, 2, 0, 6, 2), 95, 14.0),
        # Uneven bounds: 5 in 0..5, 5 in 5..50.
        (EXPLICIT, (0, 5, 5), 25, 2.5),
        (EXPLICIT, (0, 5, 5), 75, 27.5),
        # The outer buckets have one bound each.
        (TENS, (9, 1), 50, 0.0),
        (TENS, (0, 0, 0, 0, 0, 7), 50, 40.0),
        (TENS, (0, 1, 0, 0, 0, 9), 95, 40.0),
    ],
)
def test_percentiles_are_interpolated(
    bounds: Bounds, counts: tuple[int, ...], percent: float, expected: float
) -> None:
    found = Distribution(bounds, counts, sum(counts), 0.0).percentile(percent)
    assert found == pytest.approx(expected)


def test_one_value_is_known_exactly_and_none_is_none() -> None:
    assert of([1234.5], POWERS).percentile(95) == 1234.5
    assert of([], POWERS).percentile(95) is None
    assert Distribution(TENS, (), 0, 0.0).percentile(50) is None


def test_a_percentile_of_merged_series_is_not_the_mean_of_their_percentiles() -> None:
    quick, slow = of([5.0] * 99, TENS), of([35.0] * 1, TENS)
    whole = merged([quick, slow])
    assert whole is not None
    right = whole.percentile(95)
    quick_95, slow_95 = quick.percentile(95), slow.percentile(95)
    assert right is not None
    assert quick_95 is not None
    assert slow_95 is not None
    assert right < 10
    assert (quick_95 + slow_95) / 2 > 20


def test_merging_is_as_if_all_values_had_been_counted_at_once() -> None:
    chance = random.Random(7)
    parts = [[chance.expovariate(0.1) for _ in range(size)] for size in (1, 40, 0, 300)]
    together = [value for part in parts for value in part]
    whole, expected = merged(of(part, POWERS) for part in parts), of(together, POWERS)
    assert whole is not None
    assert (whole.counts, whole.count) == (expected.counts, expected.count)
    assert whole.mean == pytest.approx(statistics.fmean(together))
    assert whole.deviation == pytest.approx(statistics.pvariance(together) * len(together))


def test_nothing_merges_to_nothing_and_other_buckets_are_refused() -> None:
    assert merged([]) is None
    assert merged([of([], TENS)]) is None
    with pytest.raises(ValueError, match="different buckets"):
        merged([of([1.0], TENS), of([1.0], POWERS)])


def test_values_on_a_bound_belong_to_the_bucket_above() -> None:
    assert distributions.of([-1.0, 0.0, 10.0, 39.9, 40.0], TENS).counts == (1, 1, 1, 0, 1, 1)


def test_percentiles_of_many_values_are_within_their_bucket() -> None:
    chance = random.Random(3)
    bounds = exponential(60, 1.2, 1.0)
    values = [chance.lognormvariate(5, 1) for _ in range(5000)]
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    for percent in (50, 95, 99):
        assert of(values, bounds).percentile(percent) == pytest.approx(cuts[percent - 1], rel=0.2)
