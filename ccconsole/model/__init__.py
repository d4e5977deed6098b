"""What the console knows, as frozen values: made by the cloud floor, drawn by the screens."""

from __future__ import annotations

from ccconsole.model.batches import BatchRow, BatchShare, BatchSnapshot
from ccconsole.model.checks import Check, CheckState
from ccconsole.model.costs import Billing, Estimate, ServiceCost, Size, Spent, TaskCost
from ccconsole.model.fleet import FleetRow, FleetSnapshot
from ccconsole.model.logs import HttpRequest, LogBatch, LogEntry, LogMode, LogQuery, Severity
from ccconsole.model.metrics import (
    Alert,
    AlertKind,
    MetricsSnapshot,
    Points,
    Series,
    ServiceMetrics,
)
from ccconsole.model.problem import Problem
from ccconsole.model.rollouts import (
    Action,
    Adjustment,
    Advice,
    AdviceKind,
    Change,
    Outcome,
    Plan,
    Rollout,
    Stage,
    StageState,
)
from ccconsole.model.secrets import Secret, SecretVersion
from ccconsole.model.services import Revision, Service, ServiceKey, ServiceState, TrafficShare
from ccconsole.model.tasks import CUT_SHORT, Permission, Task, TaskState

__all__ = [
    "CUT_SHORT",
    "Action",
    "Adjustment",
    "Advice",
    "AdviceKind",
    "Alert",
    "AlertKind",
    "BatchRow",
    "BatchShare",
    "BatchSnapshot",
    "Billing",
    "Change",
    "Check",
    "CheckState",
    "Estimate",
    "FleetRow",
    "FleetSnapshot",
    "HttpRequest",
    "LogBatch",
    "LogEntry",
    "LogMode",
    "LogQuery",
    "MetricsSnapshot",
    "Outcome",
    "Permission",
    "Plan",
    "Points",
    "Problem",
    "Revision",
    "Rollout",
    "Secret",
    "SecretVersion",
    "Series",
    "Service",
    "ServiceCost",
    "ServiceKey",
    "ServiceMetrics",
    "ServiceState",
    "Severity",
    "Size",
    "Spent",
    "Stage",
    "StageState",
    "Task",
    "TaskCost",
    "TaskState",
    "TrafficShare",
]
