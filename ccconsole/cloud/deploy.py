"""Declared services as Cloud Run services, and putting a local environment's in place."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from google.api_core import exceptions
from google.cloud import run_v2

from ccconsole.cloud.errors import translated
from ccconsole.cloud.overlay import name_of, over
from ccconsole.config import Environment, ServiceSpec
from ccconsole.errors import ConsoleError, TimedOut, Unreachable
from ccconsole.model.services import ServiceKey

if TYPE_CHECKING:
    from ccconsole.cloud.connect import Connection

MANAGED_LABEL, MANAGED_BY = "managed-by", "ccconsole"
ENVIRONMENT_LABEL = "ccconsole-environment"
"""Tells the services of environments that share a project apart."""
DECLARED_LABEL = "ccconsole-declared"
"""Holds a fingerprint of the declaration last applied: a local one is applied again when it changes, and not
when an operator has changed the service."""
INSTANCES_LABEL = "ccconsole-instances"
"""The declared bounds last applied, for the same reason: `scale` moves them without a declaration."""
REJECTED = "ccconsole/rejected"
"""An annotation: the revisions that a canary turned down, which a rollback passes over."""
OWN_KEYS = frozenset({MANAGED_LABEL, ENVIRONMENT_LABEL, DECLARED_LABEL, INSTANCES_LABEL, REJECTED})
"""The labels and annotations that are ours."""
CONTAINER_PORT = 8080
READY_PATH = "/health/ready"
STORE_VARIABLE = "WORKER_STORE"
CALL_TIMEOUT = 15.0
"""Seconds for one call; Google's own default for a create or an update."""


def parent(environment: Environment, region: str) -> str:
    """The location that holds an environment's services."""
    return f"projects/{environment.project}/locations/{region}"


def service(spec: ServiceSpec, environment: Environment) -> run_v2.Service:
    """The service to create or update; its name is left to the request."""
    made = run_v2.Service(
        labels={
            MANAGED_LABEL: MANAGED_BY,
            ENVIRONMENT_LABEL: environment.name,
            INSTANCES_LABEL: f"{spec.min_instances}-{spec.max_instances}",
        },
        invoker_iam_disabled=spec.is_public,
        # The service's minimum changes without a new revision, and is shared out with the traffic.
        scaling=run_v2.ServiceScaling(min_instance_count=spec.min_instances),
        template=run_v2.RevisionTemplate(
            service_account=spec.service_account or "",
            timeout=timedelta(seconds=spec.timeout),
            max_instance_request_concurrency=spec.concurrency,
            scaling=run_v2.RevisionScaling(max_instance_count=spec.max_instances),
            containers=[_container(spec, environment)],
        ),
    )
    written = run_v2.Service.pb(made).SerializeToString(deterministic=True)
    made.labels[DECLARED_LABEL] = hashlib.sha256(written).hexdigest()[:16]
    return made


async def apply(connection: Connection, *, is_start: bool = False) -> tuple[ConsoleError, ...]:
    """Create the environment's declared services, and update those whose declaration has changed.

    What an operator did since the declaration was last applied stays: traffic always, the bounds of the
    instances until they are declared anew. With `is_start` it only fills an environment that has none of
    its services. It returns when the changes are under way (each service's state tells how they end), with
    what was refused. Raises Unreachable or TimedOut when nobody answers.
    """
    specs = connection.environment.services
    found = await asyncio.gather(*(_live(connection, spec) for spec in specs))
    if is_start and any(isinstance(live, run_v2.Service) for live in found):
        return ()
    tried = (_tried(connection, spec, live) for spec, live in zip(specs, found, strict=True))
    return tuple(problem for problem in await asyncio.gather(*tried) if problem is not None)


async def live_service(connection: Connection, key: ServiceKey) -> run_v2.Service | None:
    """The service as Cloud Run has it now; None: there is none."""
    client = connection.client(run_v2.ServicesAsyncClient)
    name = name_of(key, connection.environment.project)
    with translated(connection.environment, f"read {key}"):
        try:
            found: run_v2.Service = await client.get_service(name=name, retry=None, timeout=CALL_TIMEOUT)
        except exceptions.NotFound:
            return None
    return found


async def _live(connection: Connection, spec: ServiceSpec) -> run_v2.Service | ConsoleError | None:
    try:
        return await live_service(connection, spec.key)
    except (Unreachable, TimedOut):
        raise
    except ConsoleError as problem:
        return problem


async def _tried(
    connection: Connection, spec: ServiceSpec, live: run_v2.Service | ConsoleError | None
) -> ConsoleError | None:
    if isinstance(live, ConsoleError):
        return live
    try:
        with translated(connection.environment, f"put {spec.key} in place"):
            await _apply_one(connection, spec, live)
    except (Unreachable, TimedOut):
        raise
    except ConsoleError as problem:
        return problem
    return None


async def _apply_one(connection: Connection, spec: ServiceSpec, live: run_v2.Service | None) -> None:
    client = connection.client(run_v2.ServicesAsyncClient)
    wanted = service(spec, connection.environment)
    if live is not None and live.labels.get(DECLARED_LABEL) == wanted.labels[DECLARED_LABEL]:
        return
    try:
        if live is None:
            where = parent(connection.environment, spec.key.region)
            await client.create_service(
                parent=where, service=wanted, service_id=spec.key.name, retry=None, timeout=CALL_TIMEOUT
            )
        else:
            paths = ["template", "labels", "invoker_iam_disabled", "scaling"]
            made = over(live, wanted)
            if live.labels.get(INSTANCES_LABEL) == wanted.labels[INSTANCES_LABEL]:
                made.scaling, made.template.scaling = live.scaling, live.template.scaling
            request = run_v2.UpdateServiceRequest(service=made, update_mask={"paths": paths})
            await client.update_service(request=request, retry=None, timeout=CALL_TIMEOUT)
    except (exceptions.AlreadyExists, exceptions.Aborted):
        return  # another console of this machine was faster with the same declaration


def _container(spec: ServiceSpec, environment: Environment) -> run_v2.Container:
    plain = [run_v2.EnvVar(name=name, value=value) for name, value in variables(spec, environment).items()]
    return run_v2.Container(
        image=spec.image,
        ports=[run_v2.ContainerPort(container_port=CONTAINER_PORT)],
        env=[*plain, *(_secret(name, secret) for name, secret in spec.secrets.items())],
        resources=run_v2.ResourceRequirements(
            limits={"cpu": spec.cpu, "memory": spec.memory},
            # Left out, the CPU would stay allocated (and paid for) between requests. On this machine it costs
            # nothing, and a task whose console has gone works on.
            cpu_idle=not environment.is_local,
            startup_cpu_boost=True,
        ),
        startup_probe=run_v2.Probe(
            http_get=run_v2.HTTPGetAction(path=READY_PATH, port=CONTAINER_PORT),
            period_seconds=1,
            timeout_seconds=1,
            failure_threshold=60,
        ),
    )


def variables(spec: ServiceSpec, environment: Environment) -> dict[str, str]:
    """The declared variables and those the worker needs to agree with its service; what is declared wins."""
    own = {
        # The worker ends a task itself, with its result, before Cloud Run cuts the request.
        "WORKER_TIMEOUT_SECONDS": str(max(1, spec.timeout - min(60, spec.timeout // 10))),
        "WORKER_MAX_TASKS": str(spec.concurrency),
        # Cloud Logging joins a line to its request by the project's and the trace's names.
        "GOOGLE_CLOUD_PROJECT": environment.project,
    }
    if environment.store:
        own[STORE_VARIABLE] = environment.store
    if environment.is_local:
        own["WORKER_AGENT"] = "auto"
    return own | dict(spec.env)


def _secret(name: str, secret: str) -> run_v2.EnvVar:
    """A variable from Secret Manager: `secret` or `secret:version`, the newest version without one."""
    address, _, version = secret.partition(":")
    selector = run_v2.SecretKeySelector(secret=address, version=version or "latest")
    return run_v2.EnvVar(name=name, value_source=run_v2.EnvVarSource(secret_key_ref=selector))
