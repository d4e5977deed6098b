"""What Cloud Run fills in where a request is silent."""

from __future__ import annotations

from google.cloud.run_v2.types.k8s_min import Container, ContainerPort, Probe, ResourceRequirements
from google.cloud.run_v2.types.revision_template import RevisionTemplate
from google.cloud.run_v2.types.service import Service
from google.cloud.run_v2.types.traffic_target import TrafficTarget, TrafficTargetAllocationType
from google.cloud.run_v2.types.vendor_settings import IngressTraffic, ServiceScaling
from google.protobuf import duration_pb2

from ccconsole.emulator.sizes import parse_cpu

TIMEOUT_SECONDS = 300
CONCURRENCY = 80
MAX_INSTANCES = 100
"""RevisionScaling.max_instance_count in Google's reference."""
CPU = "1000m"
MEMORY = "512Mi"
PORT = 8080
CPU_FIELD = "template.containers[0].resources.limits.cpu"
STARTUP_SECONDS = 240
"""The default TCP startup probe's one try: timeout and period 240 s, threshold 1."""
GA = 4
"""google.api.LaunchStage.GA."""


def fill(service: Service) -> None:
    """Populate a service's unset fields in place; raises a Fault for a cpu that is no quantity."""
    if not service.ingress:
        service.ingress = IngressTraffic(IngressTraffic.INGRESS_TRAFFIC_ALL)
    if not service.launch_stage:
        service.launch_stage = GA
    if not service.scaling.scaling_mode and service.scaling.manual_instance_count:
        service.scaling.scaling_mode = ServiceScaling.ScalingMode(ServiceScaling.ScalingMode.MANUAL)
    if not service.traffic:
        latest = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
        service.traffic = [TrafficTarget(type_=latest, percent=100)]
    by_name = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
    for target in service.traffic:
        if target.revision and not target.type_:
            target.type_ = TrafficTargetAllocationType(by_name)
    _fill_template(service.template)


def _fill_template(template: RevisionTemplate) -> None:
    if not template.timeout:
        template.timeout = duration_pb2.Duration(seconds=TIMEOUT_SECONDS)
    if not template.scaling.max_instance_count:
        template.scaling.max_instance_count = MAX_INSTANCES
    for container in template.containers:
        _fill_container(container)
    if template.containers and not template.max_instance_request_concurrency:
        cpu = parse_cpu(template.containers[0].resources.limits["cpu"], CPU_FIELD)
        template.max_instance_request_concurrency = 1 if cpu < 1000 else CONCURRENCY


def _fill_container(container: Container) -> None:
    if not Container.pb(container).HasField("resources"):
        container.resources = ResourceRequirements(cpu_idle=True, startup_cpu_boost=True)
    limits = container.resources.limits
    if "cpu" not in limits:
        limits["cpu"] = CPU
    if "memory" not in limits:
        limits["memory"] = MEMORY
    if not container.ports:
        container.ports = [ContainerPort(name="http1", container_port=PORT)]
    port = container.ports[0]
    if not port.name:
        port.name = "http1"
    if not port.container_port:
        port.container_port = PORT
    if not Container.pb(container).HasField("startup_probe"):
        container.startup_probe = Probe(
            timeout_seconds=STARTUP_SECONDS,
            period_seconds=STARTUP_SECONDS,
            failure_threshold=1,
            tcp_socket={"port": port.container_port},
        )
    probe = container.startup_probe
    probe.timeout_seconds = probe.timeout_seconds or 1
    probe.period_seconds = probe.period_seconds or 10
    probe.failure_threshold = probe.failure_threshold or 3
