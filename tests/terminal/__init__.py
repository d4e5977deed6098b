"""Tests of the terminal: the engine by the standards, by tmux and by mutation; the pane by Pilot."""

from __future__ import annotations
