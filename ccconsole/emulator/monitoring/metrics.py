"""The metrics of Cloud Run that are measured here: https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-run.

Google samples them each 60 s and shows them two to four minutes later; here it is 5 s, and at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.api.metric_pb2 import MetricDescriptor

from ccconsole.distributions import Bounds, exponential, linear

PREFIX = "run.googleapis.com/"
RESOURCE_TYPE = "cloud_run_revision"
SAMPLE_SECONDS = 5
"""Between two measurements; each is of a period that ends at a multiple of it."""

Kind = MetricDescriptor.MetricKind
Type = MetricDescriptor.ValueType
GAUGE, DELTA = int(Kind.GAUGE), int(Kind.DELTA)
INT64, DOUBLE, DISTRIBUTION = int(Type.INT64), int(Type.DOUBLE), int(Type.DISTRIBUTION)


@dataclass(frozen=True)
class Exponential:
    """Buckets that grow, the first finite one from `scale` on."""

    count: int
    growth: float
    scale: float

    @property
    def bounds(self) -> Bounds:
        """Their bounds."""
        return exponential(self.count, self.growth, self.scale)

    def describe(self, options: Any) -> None:
        """Fill a raw BucketOptions message."""
        options.exponential_buckets.num_finite_buckets = self.count
        options.exponential_buckets.growth_factor = self.growth
        options.exponential_buckets.scale = self.scale


@dataclass(frozen=True)
class Linear:
    """Buckets of equal width, the first finite one from 0 on."""

    count: int
    width: float

    @property
    def bounds(self) -> Bounds:
        """Their bounds."""
        return linear(self.count, self.width, 0.0)

    def describe(self, options: Any) -> None:
        """Fill a raw BucketOptions message."""
        options.linear_buckets.num_finite_buckets = self.count
        options.linear_buckets.width = self.width


_LATENCY = Exponential(66, 1.4, 1.0)
_SHARE = Linear(100, 0.01)
_CONCURRENCY = Linear(100, 10.0)
"""Google's own buckets are not published; a percentile is as exact as these are narrow."""


@dataclass(frozen=True)
class Metric:
    """What is measured; only a distribution has buckets."""

    name: str
    title: str
    kind: int
    type: int
    unit: str
    labels: Sequence[str] = ()
    buckets: Exponential | Linear | None = None

    @property
    def bounds(self) -> Bounds:
        """The bounds of its buckets."""
        return () if self.buckets is None else self.buckets.bounds

    @property
    def full_type(self) -> str:
        """Its type as Google names it."""
        return f"{PREFIX}{self.name}"

    @property
    def is_delta(self) -> bool:
        """Whether a point is of a period, not of a moment."""
        return self.kind == DELTA


_ANSWER = ("response_code", "response_code_class")

REQUEST_COUNT = Metric("request_count", "Request Count", DELTA, INT64, "1", _ANSWER)
REQUEST_LATENCIES = Metric(
    "request_latencies", "Request Latency", DELTA, DISTRIBUTION, "ms", _ANSWER, _LATENCY
)
CPU = Metric(
    "container/cpu/utilizations",
    "Container CPU Utilization",
    DELTA,
    DISTRIBUTION,
    "10^2.%",
    ("container_name",),
    _SHARE,
)
MEMORY = Metric(
    "container/memory/utilizations",
    "Container Memory Utilization",
    DELTA,
    DISTRIBUTION,
    "10^2.%",
    ("container_name",),
    _SHARE,
)
INSTANCE_COUNT = Metric("container/instance_count", "Instance Count", GAUGE, INT64, "1", ("state",))
STARTUP_LATENCIES = Metric(
    "container/startup_latencies",
    "Container Startup Latency",
    DELTA,
    DISTRIBUTION,
    "ms",
    (),
    _LATENCY,
)
BILLABLE_TIME = Metric("container/billable_instance_time", "Billable Instance Time", DELTA, DOUBLE, "s")
CONCURRENCIES = Metric(
    "container/max_request_concurrencies",
    "Max Concurrent Requests",
    DELTA,
    DISTRIBUTION,
    "1",
    ("state",),
    _CONCURRENCY,
)
PENDING_REQUESTS = Metric("pending_queue/pending_requests", "Pending Requests", GAUGE, INT64, "1")

METRICS = {
    metric.full_type: metric
    for metric in (
        REQUEST_COUNT,
        REQUEST_LATENCIES,
        CPU,
        MEMORY,
        INSTANCE_COUNT,
        STARTUP_LATENCIES,
        BILLABLE_TIME,
        CONCURRENCIES,
        PENDING_REQUESTS,
    )
}


def descriptor(metric: Metric, project: str) -> MetricDescriptor:
    """The metric as Google describes it to a project."""
    made = MetricDescriptor(
        name=f"projects/{project}/metricDescriptors/{metric.full_type}",
        type=metric.full_type,
        display_name=metric.title,
        metric_kind=metric.kind,
        value_type=metric.type,
        unit=metric.unit,
        launch_stage=4,  # GA: google.api.LaunchStage
        monitored_resource_types=[RESOURCE_TYPE],
    )
    for label in metric.labels:
        made.labels.add(key=label)
    made.metadata.launch_stage = 4
    made.metadata.sample_period.FromSeconds(SAMPLE_SECONDS)
    made.metadata.ingest_delay.FromSeconds(0)
    return made
