"""Figures as people read them: ages, durations, sizes, rates, money. Pure, and fixed to a few columns."""

from __future__ import annotations

from datetime import UTC, datetime

NOTHING = "-"
"""What stands where nothing is known."""


def age(since: float | None, now: float) -> str:
    """How long ago, in its largest unit: `4s`, `12m`, `3h`, `5d`; a moment ahead of our clock is `0s`."""
    if since is None:
        return NOTHING
    seconds = max(0, int(now - since))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def duration(seconds: float | None) -> str:
    """A span in its two largest units: `0.4s`, `12s`, `4m05s`, `1h30m`, `2d03h`."""
    if seconds is None:
        return NOTHING
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def timecode(seconds: float) -> str:
    """A place in a recording to the tenth: `0:07.3`, `12:05.0`, `1:02:05.0`."""
    tenths = int(max(0.0, seconds) * 10 + 1e-6)
    minutes, rest = divmod(tenths, 600)
    clock = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else f"{minutes}"
    return f"{clock}:{rest // 10:02d}.{rest % 10}"


def size(count: float | None) -> str:
    """Bytes in powers of 1024: `0 B`, `812 B`, `1.5 KiB`, `64 MiB`."""
    if count is None:
        return NOTHING
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if abs(value) < (1000 if unit == "B" else 999.5):
            break
        value, unit = value / 1024, larger
    if unit == "B":
        return f"{value:.0f} B"
    return f"{value:.1f} {unit}" if abs(value) < 9.95 else f"{value:.0f} {unit}"


def rate(per_second: float | None) -> str:
    """Events a second, else a minute: `0/s`, `2.5/s`, `120/s`, `6/min`."""
    if per_second is None:
        return NOTHING
    if 0 < per_second < 0.95:
        per_minute = per_second * 60
        return f"{per_minute:.0f}/min" if per_minute >= 0.95 else "<1/min"
    return f"{per_second:.1f}/s" if 0 < per_second < 9.95 else f"{per_second:.0f}/s"


def percent(part: float | None) -> str:
    """A share of one: `0%`, `0.4%`, `12%`."""
    if part is None:
        return NOTHING
    value = part * 100
    return f"{value:.1f}%" if 0 < value < 0.95 else f"{value:.0f}%"


def money(dollars: float | None) -> str:
    """US dollars: `$0.00`, `$0.0042` below a cent, `<$0.0001`, `$12.34`, `$1,250`."""
    if dollars is None:
        return NOTHING
    if 0 < dollars < 0.00005:
        return "<$0.0001"
    if 0 < dollars < 0.00995:
        return f"${dollars:.4f}"
    return f"${dollars:,.2f}" if dollars < 1000 else f"${dollars:,.0f}"


def count(number: int | None) -> str:
    """A whole number, its thousands apart: `1,250`."""
    return NOTHING if number is None else f"{number:,}"


def moment(seconds: float | None) -> str:
    """A time in UTC for machines, for example `2026-05-04T09:30:00Z`; empty when unknown."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(seconds: float | None) -> str:
    """A time of day in the reader's own zone, for example `09:30`."""
    return NOTHING if seconds is None else datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M")


def figure(value: float | None, unit: str) -> str:
    """A metric's value in the unit of its series: `12%`, `≈850ms`, `2.5/s`, `4m05s`, `1,250`."""
    if value is None:
        return NOTHING
    match unit:
        case "ratio":
            return percent(value)
        case "ms":
            return f"≈{value:.0f}ms" if value < 999.5 else f"≈{duration(value / 1000)}"
        case "requests/s":
            return rate(value)
        case "s":
            return duration(value)
        case _:
            return count(round(value))
