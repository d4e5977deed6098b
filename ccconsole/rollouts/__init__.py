"""Changes of services as flows: planned, confirmed by whoever shows them, then done in named stages.

Each is an async generator of `Rollout` snapshots; the last one, and no other, has an outcome.
"""

from __future__ import annotations

from ccconsole.rollouts.adjusting import adjust
from ccconsole.rollouts.adjustments import delete, redirect, rollback, scale, share
from ccconsole.rollouts.canary import Canary, deploy_canary
from ccconsole.rollouts.deploying import Build, IdToken, deploy
from ccconsole.rollouts.planning import plan, specs_of
from ccconsole.rollouts.rotating import rotate

__all__ = [
    "Build",
    "Canary",
    "IdToken",
    "adjust",
    "delete",
    "deploy",
    "deploy_canary",
    "plan",
    "redirect",
    "rollback",
    "rotate",
    "scale",
    "share",
    "specs_of",
]
