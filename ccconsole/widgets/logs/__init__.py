"""Log entries on the screen: the book that holds them, how a line looks, and the view that scrolls."""

from __future__ import annotations
