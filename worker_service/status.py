"""What the worker says of itself: `GET /hello`, `GET /pty/status` and the figures of `GET /metrics`."""

from __future__ import annotations

import platform
import resource
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from worker_service import __version__
from worker_service.pool import Pool
from worker_service.settings import Settings
from worker_service.wire import EventType


@dataclass
class Worker:
    """The running worker, as the routes see it."""

    settings: Settings
    pool: Pool
    agent_version: str | None = None
    """Looked up once at start, in a thread; None before and where it cannot be known."""
    started_at: float = field(default_factory=time.time)


def hello(worker: Worker) -> dict[str, Any]:
    """Who this is and whether it is free; costs next to nothing."""
    settings, pool = worker.settings, worker.pool
    agent, identity = pool.agent, pool.identity
    running = len(pool.running)
    return {
        "status": _availability(worker, running),
        "workerId": identity.worker_id,
        "id": identity.worker_id,
        "name": identity.name,
        "version": __version__,
        "uptime": int(time.time() - worker.started_at),
        "activeTasks": running,
        "currentTasks": running,
        "totalTasksExecuted": pool.ends.total(),
        "lastTaskTimestamp": _iso(pool.last_started_at),
        "capabilities": {
            "maxConcurrentTasks": settings.worker_max_tasks,
            "supportedCommands": ["claude-code" if agent.kind == "claude" else agent.kind],
            "modes": sorted(agent.modes()),
            "events": [event.value for event in EventType],
            "store": pool.journal is not None,
            "inBandControl": True,
            "environment": {
                "pythonVersion": platform.python_version(),
                "platform": sys.platform,
                "architecture": platform.machine(),
            },
        },
        "agent": {"kind": agent.kind, "version": worker.agent_version, "credential": agent.credential()},
        "store": _store(pool),
        "onDisconnect": settings.worker_on_disconnect,
        "timestamp": _iso(time.time()),
        "cloudRun": {
            "service": identity.service,
            "revision": identity.revision,
            "configuration": identity.configuration,
            "instanceId": identity.instance_id,
            "region": identity.region,
        },
    }


def pty_status(worker: Worker) -> dict[str, Any]:
    """The terminals in use."""
    pool = worker.pool
    is_claude = pool.agent.kind == "claude"
    processes = []
    for task in pool.running:
        summary = task.record.summary()
        processes.append(
            {
                "taskId": task.id,
                "pid": task.pid,
                "startedAt": _iso(summary.started_at),
                "cols": summary.cols,
                "rows": summary.rows,
                "bytes": summary.output_bytes,
            }
        )
    return {
        "executorType": "pty",
        "streamingType": "sse",
        "ptyAvailable": True,
        "environment": "cloud-run" if worker.settings.k_service else "local",
        "claudeCliPath": worker.settings.claude_cli_path,
        "claudeCliVersion": worker.agent_version if is_claude else None,
        "activeProcesses": len(processes),
        "processes": processes,
    }


def metrics(worker: Worker) -> str:
    """A few figures in Prometheus's text format."""
    pool = worker.pool
    running = pool.running
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    lines = [
        *_metric("worker_uptime_seconds", "gauge", time.time() - worker.started_at),
        *_metric("worker_tasks_running", "gauge", len(running)),
        *_metric("worker_tasks_limit", "gauge", worker.settings.worker_max_tasks),
        *_metric("worker_viewers", "gauge", sum(task.viewers for task in pool.tasks)),
        *_metric("worker_is_draining", "gauge", int(pool.is_draining)),
        *_metric(
            "worker_output_bytes_total",
            "counter",
            pool.output_bytes + sum(task.record.output_bytes for task in running),
        ),
        *_metric("worker_gaps_total", "counter", sum(task.log.gaps for task in pool.tasks)),
        *_metric("worker_events_held_bytes", "gauge", sum(task.log.size for task in pool.tasks)),
        *_metric("worker_memory_peak_bytes", "gauge", peak),
        "# TYPE worker_tasks_total counter",
    ]
    ends = ("completed", "failed", "cancelled")
    lines.extend(f'worker_tasks_total{{status="{status}"}} {pool.ends[status]}' for status in ends)
    return "\n".join(lines) + "\n"


def _store(pool: Pool) -> dict[str, Any] | None:
    if pool.journal is None:
        return None
    problem, since = pool.journal.store.health.state()
    said = None if problem is None else pool.house.redactor.clean_text(problem)
    return {"kind": pool.journal.store.kind, "problem": said, "since": _iso(since)}


def _metric(name: str, kind: str, value: float) -> tuple[str, str]:
    return f"# TYPE {name} {kind}", f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def _availability(worker: Worker, running: int) -> str:
    if worker.pool.is_draining:
        return "offline"
    return "busy" if running >= worker.settings.worker_max_tasks else "available"


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
