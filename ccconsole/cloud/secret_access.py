"""Whether a service's secrets are there, and whether it may read them; never what is in them."""

from __future__ import annotations

from google.api_core import exceptions
from google.cloud import resourcemanager_v3, secretmanager_v1
from google.iam.v1 import policy_pb2

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.config import ServiceSpec

ACCESSOR = "roles/secretmanager.secretAccessor"
_TIMEOUT = 15.0


def full_name(connection: Connection, secret: str) -> tuple[str, str]:
    """The secret's full name and its version, for `NAME[:VERSION]` as deploy.toml has it."""
    bare, _, version = secret.partition(":")
    if not bare.startswith("projects/"):
        bare = f"projects/{connection.environment.project}/secrets/{bare}"
    return bare, version or "latest"


async def unusable(connection: Connection, spec: ServiceSpec) -> tuple[str, ...]:
    """What is wrong with the declared secrets, one sentence each; nothing when all can be used."""
    client = connection.client(secretmanager_v1.SecretManagerServiceAsyncClient)
    found = []
    for variable, secret in spec.secrets.items():
        name, version = full_name(connection, secret)
        with translated(connection.environment, f"look for the secret {name}"):
            try:
                live = await client.get_secret_version(
                    {"name": f"{name}/versions/{version}"}, retry=None, timeout=_TIMEOUT
                )
            except exceptions.NotFound:
                found.append(
                    f"{variable} needs version {version} of {name.rsplit('/', 1)[-1]}: there is none"
                )
                continue
        if live.state != secretmanager_v1.SecretVersion.State.ENABLED:
            state = live.state.name.lower()
            found.append(f"{variable} needs version {version} of {name.rsplit('/', 1)[-1]}: it is {state}")
    return tuple(found)


async def account_of(connection: Connection, spec: ServiceSpec) -> str:
    """Whom the service runs as: the declared account, else the project's default one."""
    if spec.service_account:
        return spec.service_account
    client = connection.client(resourcemanager_v3.ProjectsAsyncClient)
    project = connection.environment.project
    with translated(connection.environment, f"find the number of {project}"):
        found = await client.get_project({"name": f"projects/{project}"}, retry=None, timeout=_TIMEOUT)
    return f"{found.name.rsplit('/', 1)[-1]}-compute@developer.gserviceaccount.com"


async def not_granted(connection: Connection, spec: ServiceSpec) -> tuple[str, ...]:
    """Of the declared secrets those that do not name the service's account as a reader."""
    client = connection.client(secretmanager_v1.SecretManagerServiceAsyncClient)
    member = f"serviceAccount:{await account_of(connection, spec)}"
    found = []
    for secret in dict.fromkeys(spec.secrets.values()):
        name, _ = full_name(connection, secret)
        with translated(connection.environment, f"see who may read {name}"):
            policy = await client.get_iam_policy({"resource": name}, timeout=_TIMEOUT)
        if not _may_read(policy, member):
            found.append(name.rsplit("/", 1)[-1])
    return tuple(found)


async def grant(connection: Connection, spec: ServiceSpec) -> tuple[str, ...]:
    """Let the service's account read each declared secret, on the secret alone; which ones were granted."""
    client = connection.client(secretmanager_v1.SecretManagerServiceAsyncClient)
    member = f"serviceAccount:{await account_of(connection, spec)}"
    granted = []
    for secret in dict.fromkeys(spec.secrets.values()):
        name, _ = full_name(connection, secret)
        with translated(connection.environment, f"let {member} read {name}"):
            policy = await client.get_iam_policy({"resource": name}, timeout=_TIMEOUT)
            if _may_read(policy, member):
                continue
            policy.bindings.append(policy_pb2.Binding(role=ACCESSOR, members=[member]))
            await client.set_iam_policy({"resource": name, "policy": policy}, timeout=_TIMEOUT)
        granted.append(name.rsplit("/", 1)[-1])
    return tuple(granted)


def _may_read(policy: policy_pb2.Policy, member: str) -> bool:
    return any(binding.role == ACCESSOR and member in binding.members for binding in policy.bindings)
