"""CPU and memory: the quantities Cloud Run takes and the pairs it refuses.

Pairs: https://cloud.google.com/run/docs/configuring/services/cpu and .../memory-limits.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ccconsole.emulator.faults import invalid

MIB = 1 << 20
GIB = 1 << 30

_UNITS = {
    "": 1,
    "k": 1000,
    "K": 1000,
    "Ki": 1 << 10,
    "M": 1000**2,
    "Mi": MIB,
    "G": 1000**3,
    "Gi": GIB,
    "T": 1000**4,
    "Ti": 1 << 40,
}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([kKMGT]i?|)")
_CPU = re.compile(r"(\d+(?:\.\d+)?)(m?)")

_MEMORY_BY_CPU = {
    1000: (128 * MIB, 4 * GIB),
    2000: (128 * MIB, 8 * GIB),
    4000: (2 * GIB, 16 * GIB),
    6000: (4 * GIB, 24 * GIB),
    8000: (4 * GIB, 32 * GIB),
}
"""Millicpu -> smallest and largest memory, bytes."""

_GUIDE = "For more troubleshooting guidance, see https://cloud.google.com/run/docs/configuring/memory-limits"


def parse_memory(text: str, field: str) -> int:
    """Bytes of a quantity like 512Mi, 2Gi or 1G."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise invalid(f"{field}: Invalid value specified for container memory. '{text}' is not a quantity.")
    return int(Decimal(match[1]) * _UNITS[match[2]])


def parse_cpu(text: str, field: str) -> int:
    """Millicpu of a quantity like 1, 0.5 or 2000m."""
    match = _CPU.fullmatch(text)
    if match is None:
        raise invalid(f"{field}: Invalid value specified for cpu. '{text}' is not a quantity.")
    millis = Decimal(match[1]) * (1 if match[2] else 1000)
    if millis != int(millis):
        raise invalid(f"{field}: Invalid value specified for cpu. '{text}' is finer than 1m.")
    return int(millis)


def _show(size: int) -> str:
    return f"{size // GIB}Gi" if size % GIB == 0 else f"{size // MIB}Mi"


def check_pair(millis: int, memory: int, concurrency: int, *, is_cpu_idle: bool, container: str) -> None:
    """Raise INVALID_ARGUMENT for sizes that Cloud Run refuses; `container` names the container's field."""
    limits = f"{container}.resources.limits"
    if millis < 1000:
        _check_fraction(millis, concurrency, is_cpu_idle=is_cpu_idle, field=f"{limits}.cpu")
        least, most = 128 * MIB, (512 * MIB if millis < 500 else GIB)
    elif millis in _MEMORY_BY_CPU:
        least, most = _MEMORY_BY_CPU[millis]
    else:
        raise invalid(
            f"{limits}.cpu: Invalid value specified for cpu. "
            "The following are the only allowed values: 1, 2, 4, 6, 8, or less than 1 in steps of 0.01."
        )
    if not least <= memory <= most:
        raise invalid(
            f"{limits}.memory: Invalid value specified for container memory. For {millis / 1000} CPU, "
            f"memory must be between {_show(least)} and {_show(most)} inclusive.\n{_GUIDE}"
        )


def _check_fraction(millis: int, concurrency: int, *, is_cpu_idle: bool, field: str) -> None:
    if millis < 80 or millis % 10:
        raise invalid(
            f"{field}: Invalid value specified for cpu. Less than 1 must be 0.08 to 0.99, in steps of 0.01."
        )
    if concurrency > 1:
        raise invalid(
            f"{field}: Invalid value specified for cpu. Total cpu < 1 is not supported with concurrency > 1."
        )
    if not is_cpu_idle:
        raise invalid(
            f"{field}: Invalid value specified for cpu. Total cpu < 1 is not supported with cpu_idle unset."
        )
