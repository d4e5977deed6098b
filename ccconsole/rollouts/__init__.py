"""Changes of services as flows: planned, confirmed by whoever shows them, then done in named stages.

Each is an async generator of `Rollout` snapshots; the last one, and no other, has an outcome.
"""

from __future__ import annotations

from ccconsole.rollouts.adjusting import adjust, delete, redirect, rollback, scale, share
from ccconsole.rollouts.deploying import IdToken, deploy
from ccconsole.rollouts.planning import plan, specs_of

__all__ = [
    "IdToken",
    "adjust",
    "delete",
    "deploy",
    "plan",
    "redirect",
    "rollback",
    "scale",
    "share",
    "specs_of",
]
