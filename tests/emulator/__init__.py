"""Tests of the Cloud Run emulator: real clients, real processes."""

from __future__ import annotations
