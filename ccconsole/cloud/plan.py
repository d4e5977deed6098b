"""What a deployment of one service would do: declared against live, and what the server says to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

from google.api_core import exceptions
from google.api_core.operation_async import AsyncOperation
from google.cloud import run_v2

from ccconsole.cloud import comparison, deploy, gcloud
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import ApiDisabled, translated
from ccconsole.cloud.overlay import foreign, name_of, over
from ccconsole.cloud.services import model_of
from ccconsole.config import Environment, ServiceSpec
from ccconsole.errors import ConsoleError
from ccconsole.model.problem import Problem
from ccconsole.model.rollouts import Action, Advice, AdviceKind, Change, Plan
from ccconsole.model.services import Service, ServiceState

_ANYBODY = ("allUsers", "allAuthenticatedUsers")
INVOKER = "roles/run.invoker"
_CALL_TIMEOUT = deploy.CALL_TIMEOUT


async def plan(
    connection: Connection, spec: ServiceSpec, *, image: str | None = None, advice: Sequence[Advice] = ()
) -> Plan:
    """The plan for a declared service now; `image` in place of the declared one, for example with its digest.

    The server is asked too (`validate_only`): what it refuses is in the plan. Raises ConsoleError when the
    service cannot be read.
    """
    environment = connection.environment
    disabled: tuple[Advice, ...] = ()
    try:
        live = await deploy.live_service(connection, spec.key)
    except ApiDisabled as error:
        live, disabled = None, (Advice(AdviceKind.UNREAD, error.detail, "the deployment enables it"),)
    made = wanted(spec, environment, live, image)
    is_open, unread = await _is_open(connection, spec, live)
    changes = comparison.changes(live, made, is_open=bool(is_open))
    known = None if live is None else model_of(live, spec.key)
    if live is None:
        action = Action.CREATE
    else:
        action = Action.UPDATE if changes or _has_failed(known) else Action.NONE
    image = image or spec.image
    return Plan(
        key=spec.key,
        action=action,
        changes=changes,
        advice=(*_advice(spec, environment, live, known, action), *unread, *disabled, *advice),
        image=image,
        etag="" if live is None else live.etag,
        fingerprint=_fingerprint(action, changes, image, "" if live is None else live.etag),
        command=gcloud.deploy(spec, environment, image),
        refusal=None if action is Action.NONE or disabled else await _refusal(connection, spec, made, live),
    )


def wanted(
    spec: ServiceSpec, environment: Environment, live: run_v2.Service | None, image: str | None = None
) -> run_v2.Service:
    """The service that a deployment asks for; the fingerprint in its labels is that of the declaration."""
    declared = deploy.service(spec, environment)
    if image is not None:
        declared.template.containers[0].image = image
    return declared if live is None else over(live, declared)


async def _is_open(
    connection: Connection, spec: ServiceSpec, live: run_v2.Service | None
) -> tuple[bool | None, tuple[Advice, ...]]:
    """Whether the service's IAM policy lets anybody call it; None, with advice, where it cannot be read."""
    if live is None or connection.environment.is_local:
        return None, ()
    try:
        return bool(await open_members(connection, spec)), ()
    except ConsoleError as error:
        text = f"who may call {spec.key.name} could not be read: {error.detail or error.title}"
        return None, (Advice(AdviceKind.UNREAD, text, error.hint),)


async def open_members(connection: Connection, spec: ServiceSpec) -> tuple[str, ...]:
    """Of the service's invokers those that stand for anybody."""
    client = connection.client(run_v2.ServicesAsyncClient)
    name = name_of(spec.key, connection.environment.project)
    with translated(connection.environment, f"read who may call {spec.key}"):
        try:
            policy = await client.get_iam_policy({"resource": name}, timeout=_CALL_TIMEOUT)
        except exceptions.MethodNotImplemented:
            return ()
    return tuple(
        member
        for binding in policy.bindings
        if binding.role == INVOKER
        for member in binding.members
        if member in _ANYBODY
    )


async def close(connection: Connection, spec: ServiceSpec) -> tuple[str, ...]:
    """Take whoever stands for anybody out of the service's invokers; those that were there."""
    members = await open_members(connection, spec)
    if not members:
        return ()
    client = connection.client(run_v2.ServicesAsyncClient)
    name = name_of(spec.key, connection.environment.project)
    with translated(connection.environment, f"close {spec.key} to the public"):
        policy = await client.get_iam_policy({"resource": name}, timeout=_CALL_TIMEOUT)
        for binding in policy.bindings:
            kept = [member for member in binding.members if member not in _ANYBODY]
            if binding.role == INVOKER:
                del binding.members[:]
                binding.members.extend(kept)
        await client.set_iam_policy({"resource": name, "policy": policy}, timeout=_CALL_TIMEOUT)
    return members


async def _refusal(
    connection: Connection, spec: ServiceSpec, made: run_v2.Service, live: run_v2.Service | None
) -> Problem | None:
    """Why the server would refuse it, asked with `validate_only`."""
    try:
        with translated(connection.environment, f"deploy {spec.key}"):
            await send(connection, spec, made, is_new=live is None, is_dry=True)
    except ConsoleError as error:
        return Problem(spec.key.environment, error.title, error.detail, error.hint, exit_code=error.exit_code)
    return None


async def send(
    connection: Connection, spec: ServiceSpec, made: run_v2.Service, *, is_new: bool, is_dry: bool = False
) -> AsyncOperation:
    """Create or update the service; the operation. Raises Google's errors; a stale etag is ABORTED."""
    client = connection.client(run_v2.ServicesAsyncClient)
    if is_new:
        creation = run_v2.CreateServiceRequest(
            parent=deploy.parent(connection.environment, spec.key.region),
            service=made,
            service_id=spec.key.name,
            validate_only=is_dry,
        )
        return await client.create_service(request=creation, retry=None, timeout=_CALL_TIMEOUT)
    update = run_v2.UpdateServiceRequest(service=made, validate_only=is_dry)
    return await client.update_service(request=update, retry=None, timeout=_CALL_TIMEOUT)


def _has_failed(known: Service | None) -> bool:
    """Whether the newest revision did not start, so that the same declaration is worth another try."""
    return (
        known is not None
        and known.state is not ServiceState.DEPLOYING
        and known.latest_created_revision != known.revision
    )


def _fingerprint(action: Action, changes: tuple[Change, ...], image: str, etag: str) -> str:
    rows = [[change.field, change.live, change.declared] for change in changes]
    written = json.dumps([action, rows, image, etag], ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def _advice(
    spec: ServiceSpec,
    environment: Environment,
    live: run_v2.Service | None,
    known: Service | None,
    action: Action,
) -> Iterator[Advice]:
    if known is not None and live is not None:
        yield from _of_live(spec, live, known)
    if spec.is_public:
        text = "the worker is public: anybody who finds its address runs prompts on your key"
        yield Advice(AdviceKind.PUBLIC, text, "public = false")
    if environment.is_local:
        return
    for name, secret in spec.secrets.items():
        if secret.partition(":")[2] in ("", "latest"):
            text = f"{name} is the newest version when an instance starts: instances may differ"
            bare = secret.partition(":")[0]
            yield Advice(AdviceKind.LATEST_SECRET, text, f'{name} = "{bare}:VERSION"')
    if spec.service_account is None and (live is None or action is Action.CREATE):
        text = "no service account: it runs as the project's default one, which can often change the project"
        yield Advice(
            AdviceKind.SERVICE_ACCOUNT, text, 'service_account = "NAME@PROJECT.iam.gserviceaccount.com"'
        )


def _of_live(spec: ServiceSpec, live: run_v2.Service, known: Service) -> Iterator[Advice]:
    is_canary = any(share.tag == gcloud.CANARY_TAG for share in known.traffic)
    unpin = f"ccconsole traffic {spec.key} latest=100"
    if is_canary:
        text = "a canary was left half-way; the traffic is where it put it"
        yield Advice(
            AdviceKind.CANARY, text, f"ccconsole deploy {spec.key} --canary 10 goes on; {unpin} ends it"
        )
    elif known.is_pinned:
        served = ", ".join(f"{share.revision} {share.percent}%" for share in known.traffic if share.percent)
        text = f"traffic is pinned to {served}: a new revision serves 0%"
        yield Advice(AdviceKind.PINNED, text, unpin)
    if live.labels.get(deploy.MANAGED_LABEL) != deploy.MANAGED_BY:
        text = "a service of that name is there, and ccconsole did not make it; a deployment takes it over"
        yield Advice(AdviceKind.FOREIGN, text, "service = ANOTHER_NAME in deploy.toml")
    if _has_failed(known):
        text = f"revision {known.latest_created_revision} did not start"
        yield Advice(AdviceKind.FAILED, text, f"ccconsole logs {spec.key} --severity error")
    for field in foreign(live, deploy.OWN_KEYS):
        yield Advice(AdviceKind.DRIFT, f"{field} was set by somebody else and is kept")


def retried(made: run_v2.Service, live: run_v2.Service) -> run_v2.Service:
    """The service with a mark in its template: the same template again makes no revision by itself."""
    made.template.annotations["ccconsole-try"] = live.latest_created_revision.rsplit("/", 1)[-1]
    return made
