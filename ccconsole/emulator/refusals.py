"""What an emulator is asked to refuse, so that a client's failures can be tried for real."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import grpc

from ccconsole.emulator.apis import TITLES
from ccconsole.emulator.permissions import NEEDS, matching

HANG = "HANG"
_PERMISSION = re.compile(r"[a-z]+(\.[A-Za-z]+){2}")
_FAILURE = re.compile(
    r"(?P<operation>operation:)?(?P<name>[\w./]+)=(?P<code>[A-Z_]+)(\*(?P<count>[1-9][0-9]*))?(:(?P<words>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Failure:
    """How the calls of one RPC end."""

    paths: frozenset[str]
    code: grpc.StatusCode | None
    """None: they get no answer."""
    message: str
    count: int | None = None
    """How many calls; None: all."""
    is_operation: bool = False
    """Whether the call is taken, changes nothing, and the operation it answers with fails or never ends."""


@dataclass(frozen=True)
class Refusals:
    """The permissions nobody has, the APIs that are off at start, the calls that fail."""

    denied: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    failures: tuple[Failure, ...] = ()

    @classmethod
    def parse(cls, deny: Iterable[str], disable: Iterable[str], fail: Sequence[str]) -> Refusals:
        """From the options of the command line; ValueError names the one that is wrong."""
        for permission in deny:
            if not _PERMISSION.fullmatch(permission):
                raise ValueError(f"--deny {permission}: expected a permission, like run.services.update")
        for api in disable:
            if api not in TITLES:
                raise ValueError(f"--disable-api {api}: expected one of {', '.join(sorted(TITLES))}")
        return cls(frozenset(deny), frozenset(disable), tuple(_failure(option) for option in fail))


def _failure(option: str) -> Failure:
    match = _FAILURE.fullmatch(option)
    if match is None:
        raise ValueError(f"--fail {option}: expected [operation:]RPC=CODE[*COUNT][:WORDS]")
    name, code, count = match["name"], match["code"], match["count"]
    paths = matching(name)
    is_operation = bool(match["operation"])
    if is_operation:
        paths = [path for path in paths if NEEDS[path].is_operation]
    if not paths:
        kind = "operation" if is_operation else "RPC"
        raise ValueError(f"--fail {option}: the emulator has no {kind} of the name {name}")
    status = None if code == HANG else grpc.StatusCode.__members__.get(code)
    if code != HANG and status in (None, grpc.StatusCode.OK):
        raise ValueError(f"--fail {option}: {code} is no gRPC code; {HANG} gives no answer")
    words = match["words"] or f"{name} was asked to fail."
    return Failure(frozenset(paths), status, words, int(count) if count else None, is_operation)
