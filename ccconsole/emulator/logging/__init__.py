"""Cloud Logging on this machine: what instances print, kept, listed by filter and tailed."""

from __future__ import annotations
