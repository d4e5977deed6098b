"""Secret Manager: what there is, a new version, an old one off. A value goes in and never comes back."""

from __future__ import annotations

import asyncio
import logging

from google.api_core import exceptions
from google.cloud import secretmanager_v1

from ccconsole.cloud.connect import Connection
from ccconsole.cloud.errors import translated
from ccconsole.cloud.log_entries import seconds
from ccconsole.cloud.secret_access import ACCESSOR, full_name
from ccconsole.errors import ConfigError, ConsoleError, NotFound
from ccconsole.model.secrets import Secret, SecretVersion

# Google's clients can be told to log their requests whole (GOOGLE_SDK_PYTHON_LOGGING_SCOPE): never these.
logging.getLogger("google.cloud.secretmanager_v1").setLevel(logging.INFO)

MAX_BYTES = 65_536
"""https://cloud.google.com/secret-manager/quotas: the most that a version holds."""
_TIMEOUT = 15.0


def _client(connection: Connection) -> secretmanager_v1.SecretManagerServiceAsyncClient:
    return connection.client(secretmanager_v1.SecretManagerServiceAsyncClient)


async def listing(connection: Connection) -> tuple[Secret, ...]:
    """The secrets that the environment's services declare, by name; raises ConsoleError."""
    variables: dict[str, list[str]] = {}
    for spec in connection.environment.services:
        for variable, secret in spec.secrets.items():
            name, _ = full_name(connection, secret)
            known = variables.setdefault(name, [])
            if variable not in known:
                known.append(variable)
    found = await asyncio.gather(*(_one(connection, name, names) for name, names in variables.items()))
    return tuple(sorted(found, key=lambda secret: secret.name))


async def _one(connection: Connection, name: str, variables: list[str]) -> Secret:
    client, bare = _client(connection), name.rsplit("/", 1)[-1]
    environment = connection.environment.name
    versions = []
    with translated(connection.environment, f"list the versions of {bare}"):
        try:
            pager = await client.list_secret_versions({"parent": name}, retry=None, timeout=_TIMEOUT)
            versions = [_version(item) async for item in pager]
        except exceptions.NotFound:
            return Secret(environment, bare, tuple(variables), is_there=False)
    try:
        with translated(connection.environment, f"see who may read {bare}"):
            policy = await client.get_iam_policy({"resource": name}, timeout=_TIMEOUT)
    except ConsoleError as error:
        return Secret(environment, bare, tuple(variables), tuple(versions), problem=error.title)
    readers = [
        member for binding in policy.bindings if binding.role == ACCESSOR for member in binding.members
    ]
    return Secret(environment, bare, tuple(variables), tuple(versions), tuple(sorted(set(readers))))


def _version(raw: secretmanager_v1.SecretVersion) -> SecretVersion:
    stamp = secretmanager_v1.SecretVersion.pb(raw).create_time
    return SecretVersion(raw.name.rsplit("/", 1)[-1], raw.state.name.lower(), seconds(stamp) or None)


async def add(connection: Connection, secret: str, value: bytes) -> str:
    """Add a version with that value, and the secret where there is none; the version's number.

    Raises ConfigError for a value that is empty or too long.
    """
    name, _ = full_name(connection, secret)
    bare = name.rsplit("/", 1)[-1]
    if not value:
        raise ConfigError(f"{bare} would be empty", "Nothing was stored.", "Pipe the value in, or type it.")
    if len(value) > MAX_BYTES:
        raise ConfigError(
            f"The value for {bare} is too long", f"{len(value)} bytes of {MAX_BYTES}.", "Nothing was stored."
        )
    client = _client(connection)
    with translated(connection.environment, f"add a version to {bare}"):
        try:
            made = await _added(client, name, value)
        except exceptions.NotFound:
            await client.create_secret(
                {
                    "parent": name.partition("/secrets/")[0],
                    "secret_id": bare,
                    "secret": {"replication": {"automatic": {}}},
                },
                retry=None,
                timeout=_TIMEOUT,
            )
            made = await _added(client, name, value)
    return made.name.rsplit("/", 1)[-1]


async def _added(
    client: secretmanager_v1.SecretManagerServiceAsyncClient, name: str, value: bytes
) -> secretmanager_v1.SecretVersion:
    request = secretmanager_v1.AddSecretVersionRequest(
        parent=name, payload=secretmanager_v1.SecretPayload(data=value)
    )
    return await client.add_secret_version(request, retry=None, timeout=_TIMEOUT)


async def disable(connection: Connection, secret: str, version: str) -> None:
    """Turn a version off: no new instance gets it; `gcloud secrets versions enable` takes that back."""
    name, _ = full_name(connection, secret)
    bare = name.rsplit("/", 1)[-1]
    with translated(connection.environment, f"disable version {version} of {bare}"):
        await _client(connection).disable_secret_version(
            {"name": f"{name}/versions/{version}"}, retry=None, timeout=_TIMEOUT
        )


def declared_name(connection: Connection, given: str) -> str:
    """A secret by its name or by the variable it fills, as declared; NotFound lists those there are."""
    known: dict[str, str] = {}
    for spec in connection.environment.services:
        for variable, secret in spec.secrets.items():
            bare = secret.partition(":")[0]
            known |= {bare: bare, variable: bare, bare.rsplit("/", 1)[-1]: bare}
    if given in known:
        return known[given]
    listed = ", ".join(sorted(set(known.values()))) or "none"
    raise NotFound(
        f"{connection.environment.name} declares no secret {given!r}",
        f"There are: {listed}.",
        "Declare it under [env.NAME.secrets] in deploy.toml",
    )
