"""A service's metrics as pictures: which charts there are, how one is drawn, and where it stands."""

from __future__ import annotations
