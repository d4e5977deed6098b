"""JSON of the shape that is expected, or INVALID_ARGUMENT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ccconsole.emulator.faults import invalid
from ccconsole.emulator.knative.annotations import Json


def check_known(value: Any, names: Sequence[str], field: str) -> Json:
    """A JSON object of these names; INVALID_ARGUMENT in Google's words for another one."""
    found = fields_of(value, field)
    for name in found:
        if name not in names:
            raise invalid(
                f"Invalid JSON payload received. Unknown name \"{name}\" at '{field}': Cannot find field."
            )
    return found


def items(value: Any, field: str) -> list[Any]:
    """A JSON array, or nothing."""
    if not isinstance(value, list | None):
        raise invalid(f"Invalid value at '{field}': a list is expected.")
    return value or []


def fields_of(value: Any, field: str) -> Json:
    """A JSON object, or nothing."""
    if not isinstance(value, dict | None):
        raise invalid(f"Invalid value at '{field}': an object is expected.")
    return value or {}


def texts(value: Any, field: str) -> dict[str, str]:
    """Labels or annotations."""
    found = fields_of(value, field)
    for name, text in found.items():
        if not isinstance(text, str):
            raise invalid(f"Invalid value at '{field}[{name}]' (TYPE_STRING), {text}")
    return found
