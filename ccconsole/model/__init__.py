"""What the console knows, as frozen values: made by the cloud floor, drawn by the screens."""

from __future__ import annotations

from ccconsole.model.fleet import FleetRow, FleetSnapshot
from ccconsole.model.logs import HttpRequest, LogBatch, LogEntry, LogMode, LogQuery, Severity
from ccconsole.model.problem import Problem
from ccconsole.model.services import Revision, Service, ServiceKey, ServiceState, TrafficShare
from ccconsole.model.tasks import Task, TaskState

__all__ = [
    "FleetRow",
    "FleetSnapshot",
    "HttpRequest",
    "LogBatch",
    "LogEntry",
    "LogMode",
    "LogQuery",
    "Problem",
    "Revision",
    "Service",
    "ServiceKey",
    "ServiceState",
    "Severity",
    "Task",
    "TaskState",
    "TrafficShare",
]
