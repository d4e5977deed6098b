"""Figures as people read them."""

from __future__ import annotations

import pytest

from ccconsole import format


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-5, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86399, "23h"),
        (86400 * 12, "12d"),
    ],
)
def test_age(seconds: float, text: str) -> None:
    assert format.age(1_000_000 - seconds, 1_000_000) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (245, "4m05s"),
        (3599.6, "1h00m"),
        (5400, "1h30m"),
        (86400 * 2 + 3 * 3600, "2d03h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert format.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10 * 1024, "10 KiB"),
        (1023.6 * 1024, "1.0 MiB"),
        (64 << 20, "64 MiB"),
        (5 << 30, "5.0 GiB"),
        (3 << 50, "3072 TiB"),
    ],
)
def test_size(count: float, text: str) -> None:
    assert format.size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0/s"), (0.001, "<1/min"), (0.1, "6/min"), (2.5, "2.5/s"), (9.96, "10/s"), (120, "120/s")],
)
def test_rate(value: float, text: str) -> None:
    assert format.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.004, "0.4%"), (0.12, "12%"), (1, "100%"), (1.5, "150%")]
)
def test_percent(value: float, text: str) -> None:
    assert format.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0.00"),
        (0.00004, "<$0.0001"),
        (0.0042, "$0.0042"),
        (0.00996, "$0.01"),
        (12.344, "$12.34"),
        (1250.4, "$1,250"),
    ],
)
def test_money(value: float, text: str) -> None:
    assert format.money(value) == text


def test_what_is_not_known_is_a_dash() -> None:
    unknown = [
        format.age(None, 0),
        format.duration(None),
        format.size(None),
        format.rate(None),
        format.percent(None),
        format.money(None),
        format.count(None),
        format.clock(None),
    ]
    assert set(unknown) == {"-"}
    assert format.moment(None) == ""


def test_moments_are_utc() -> None:
    assert format.moment(0) == "1970-01-01T00:00:00Z"
    assert format.moment(1_777_886_999.9) == "2026-05-04T09:29:59Z"


def test_thousands_stand_apart() -> None:
    assert format.count(1250) == "1,250"
