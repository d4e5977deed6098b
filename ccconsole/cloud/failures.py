"""Why a deployment failed: Cloud Run's reason, what it means, the revision's last words, and what to do."""

from __future__ import annotations

from typing import Any

from google.api_core import exceptions
from google.cloud import run_v2

from ccconsole.cloud import deploy, logs
from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import console_error
from ccconsole.errors import ConsoleError
from ccconsole.model.logs import LogQuery
from ccconsole.model.services import ServiceKey

LOG_LINES = 20
_CALL_TIMEOUT = 10.0
_MEANING = {
    "HEALTH_CHECK_CONTAINER_ERROR": (
        "The container did not start, or did not answer GET /health/ready on its port in time.",
        "Read its last lines; the image may be broken, or a variable or secret may be missing.",
    ),
    "CONTAINER_MISSING": (
        "There is no such image in the registry.",
        "`ccconsole deploy {key}` without --image builds and pushes it; or correct `image` in deploy.toml.",
    ),
    "CONTAINER_PERMISSION_DENIED": (
        "Cloud Run's service agent may not pull the image.",
        "Grant roles/artifactregistry.reader on the repository to "
        "service-PROJECT_NUMBER@serverless-robot-prod.iam.gserviceaccount.com",
    ),
    "CONTAINER_IMAGE_UNAUTHORIZED": (
        "A Binary Authorization policy forbids the image.",
        "Use an image that is attested, or ask who keeps the policy.",
    ),
    "CONTAINER_IMAGE_AUTHORIZATION_CHECK_FAILED": (
        "Binary Authorization could not check the image.",
        "Deploy again; if it stays so, ask who keeps the policy.",
    ),
    "SECRETS_ACCESS_CHECK_FAILED": (
        "The service account cannot read a secret, or the secret's version is missing or disabled.",
        "ccconsole deploy {key} checks and grants it; or: gcloud secrets add-iam-policy-binding SECRET "
        "--role=roles/secretmanager.secretAccessor --member=serviceAccount:ACCOUNT",
    ),
    "PROGRESS_DEADLINE_EXCEEDED": (
        "The revision was not ready in the time Cloud Run gives it.",
        "Read its last lines; a slow start needs more CPU, or a smaller image.",
    ),
    "MIN_INSTANCES_NOT_PROVISIONED": (
        "The region could not give the minimum of instances.",
        "Lower it: ccconsole scale {key} 0 MAX, or ask for more quota.",
    ),
    "ACTIVE_REVISION_LIMIT_REACHED": (
        "Too many revisions of the project take traffic.",
        "Move traffic away from old ones: ccconsole traffic {key} latest=100",
    ),
    "ENCRYPTION_KEY_PERMISSION_DENIED": (
        "Cloud Run may not use the encryption key.",
        "Grant roles/cloudkms.cryptoKeyEncrypterDecrypter on it to Cloud Run's service agent.",
    ),
}
_REVISION = "The revision is not ready and cannot serve."


class RolloutFailed(ConsoleError):
    """A build, a revision or a canary failed; what served before serves on. `revision` may be empty."""

    def __init__(
        self, title: str, detail: str, hint: str, *, reason: str, revision: str, log_lines: tuple[str, ...]
    ) -> None:
        super().__init__(title, detail, hint)
        self.reason = reason
        self.revision = revision
        self.log_lines = log_lines


async def failure(
    connection: Connection, key: ServiceKey, error: exceptions.GoogleAPICallError
) -> ConsoleError:
    """The error of a deployment, with what its revision says where it is the revision that failed."""
    plain = console_error(error, connection.environment, f"deploy {key}")
    if plain.exit_code != 1 or isinstance(error, exceptions.ServerError):
        return plain
    try:
        return await _of_revision(connection, key, plain)
    except ConsoleError:
        return plain  # the reason is worth more than what could not be looked up


async def _of_revision(connection: Connection, key: ServiceKey, plain: ConsoleError) -> ConsoleError:
    live = await deploy.live_service(connection, key)
    if live is None or live.latest_created_revision == live.latest_ready_revision:
        return plain
    revision = live.latest_created_revision.rsplit("/", 1)[-1]
    reason, message = await _reason(connection, live)
    cause, hint = _MEANING.get(reason, (_REVISION, f"ccconsole logs {key} --since 15m"))
    detail = f"{cause} {message}".strip()
    return RolloutFailed(
        f"Revision {revision} did not start",
        " ".join(detail.split()),
        hint.format(key=key),
        reason=reason,
        revision=revision,
        log_lines=await last_lines(connection, key, revision),
    )


async def _reason(connection: Connection, live: run_v2.Service) -> tuple[str, str]:
    """The code and the words of the newest revision's failure, else the service's."""
    client = connection.client(run_v2.RevisionsAsyncClient)
    failed = run_v2.Condition.State.CONDITION_FAILED
    try:
        found = await client.get_revision(
            name=live.latest_created_revision, retry=None, timeout=_CALL_TIMEOUT
        )
        conditions = [condition for condition in found.conditions if condition.state == failed]
    except exceptions.GoogleAPICallError:
        conditions = []
    conditions.sort(key=lambda condition: condition.type_ != "Ready")
    for condition in [*conditions, live.terminal_condition]:
        if name := _code_of(condition):
            return name, str(condition.message)
    return "", str(live.terminal_condition.message)


def _code_of(condition: Any) -> str:
    if "revision_reason" in condition and condition.revision_reason:
        return str(condition.revision_reason.name)
    if "reason" in condition and condition.reason:
        return str(condition.reason.name)
    return ""


async def last_lines(connection: Connection, key: ServiceKey, revision: str) -> tuple[str, ...]:
    """The newest lines that the revision printed; none where the logs cannot be read."""
    query = LogQuery(services=(key.name,), regions=(key.region,), revision=revision)
    try:
        async for batch in logs.history(connection, query, limit=LOG_LINES):
            return tuple(entry.text for entry in batch.entries if entry.log != "requests")
    except ConsoleError:
        pass
    return ()
