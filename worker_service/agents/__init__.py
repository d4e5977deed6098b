"""The agents a worker can run; each is one small module beside `base`."""

from __future__ import annotations
