"""Calls of the emulator's own RPCs with JSON in and out: the same table that the gRPC face answers from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from ccconsole.emulator.faults import invalid

Json = dict[str, Any]
Ask = Callable[[str, Message], Awaitable[bytes]]
"""Answers an RPC, by its path, with the response's bytes; raises Fault."""


def to_message(value: Json, kind: type[Message]) -> Message:
    """A message from protobuf's JSON; raises INVALID_ARGUMENT."""
    try:
        return json_format.ParseDict(value, kind())
    except json_format.ParseError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error


def to_json(message: Message) -> Json:
    """Protobuf's JSON of a message."""
    found: Json = json_format.MessageToDict(message)
    return found
