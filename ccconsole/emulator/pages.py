"""Lists in pages, with tokens that say where the next one starts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from ccconsole.emulator.faults import invalid

DEFAULT_SIZE = 100
MAX_SIZE = 1000

T = TypeVar("T")


def page(items: Sequence[T], size: int, token: str, key: Callable[[T], str]) -> tuple[Sequence[T], str]:
    """One page of `items` and the next page's token, empty at the end.

    A token names the last item shown, so a list that changes meanwhile repeats nothing; INVALID_ARGUMENT for
    a negative size and for a token whose item is gone.
    """
    if size < 0:
        raise invalid("Violation in page_size: must not be negative.")
    start = _start(items, token, key) if token else 0
    end = start + min(size or DEFAULT_SIZE, MAX_SIZE)
    more = base64.urlsafe_b64encode(key(items[end - 1]).encode()).decode() if end < len(items) else ""
    return items[start:end], more


def _start(items: Sequence[T], token: str, key: Callable[[T], str]) -> int:
    try:
        last = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError) as error:
        raise invalid("Violation in page_token: it is not one of this list's.") from error
    for index, item in enumerate(items):
        if key(item) == last:
            return index + 1
    raise invalid("Violation in page_token: the item it names is gone; list from the start.")
