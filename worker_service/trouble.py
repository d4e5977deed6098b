"""What a store's refusals and failures mean, in one line of words that hold no credential."""

from __future__ import annotations

import re
from typing import Literal

from obstore.exceptions import BaseError, InvalidPathError, PermissionDeniedError, UnauthenticatedError

FAILURES = (BaseError, OSError)

MAX_WORDS = 500
"""Of a problem, in characters: a server may answer with a whole page."""
_CREDENTIALS = re.compile(r"//[^/@\s]*@")
"""In front of the host in an endpoint's address."""

Trouble = Literal["denied", "unauthenticated", "unreachable"]


class StoreError(OSError):
    """The store did not do what was asked; the text says why, in one line."""

    def __init__(self, text: str, trouble: Trouble = "unreachable") -> None:
        super().__init__(text)
        self.trouble = trouble


class ForeignObject(StoreError):
    """What lies there is none of a journal's own objects; the store itself is well."""


def store_error(error: BaseException) -> StoreError:
    """What `error`, one of FAILURES, means."""
    text = words(error)
    if isinstance(error, PermissionDeniedError | PermissionError):
        return StoreError(f"the store refused access: {text}", "denied")
    is_offline = "error sending request" in text
    if isinstance(error, UnauthenticatedError) or ("token request" in text and not is_offline):
        return StoreError(f"no valid credentials for the store: {text}", "unauthenticated")
    if isinstance(error, InvalidPathError):
        return StoreError(
            f"an object in the store has an impossible name, and hides others; delete it: {text}"
        )
    return StoreError(text)


def words(error: BaseException) -> str:
    """The first line of the error's text: what follows it is for developers."""
    line = str(error).split("\n", 1)[0].strip()
    return _CREDENTIALS.sub("//", line)[:MAX_WORDS] or type(error).__name__
