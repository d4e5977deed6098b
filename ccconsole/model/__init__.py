"""What the console knows, as frozen values: made by the cloud floor, drawn by the screens."""

from __future__ import annotations

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
from ccconsole.model.services import Revision, Service, ServiceKey, ServiceState, TrafficShare
from ccconsole.model.tasks import Task, TaskState

__all__ = [
    "Alert",
    "AlertKind",
    "FleetRow",
    "FleetSnapshot",
    "HttpRequest",
    "LogBatch",
    "LogEntry",
    "LogMode",
    "LogQuery",
    "MetricsSnapshot",
    "Points",
    "Problem",
    "Revision",
    "Series",
    "Service",
    "ServiceKey",
    "ServiceMetrics",
    "ServiceState",
    "Severity",
    "Task",
    "TaskState",
    "TrafficShare",
]
