"""A Cloud Run on this machine: Google's own gRPC APIs in front, real processes behind."""

from __future__ import annotations
