"""google.cloud.secretmanager.v1.SecretManagerService; regional secrets are not offered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from google.cloud.secretmanager_v1.types import resources, service
from google.protobuf import empty_pb2, json_format, timestamp_pb2

from ccconsole.emulator.access import Access
from ccconsole.emulator.faults import invalid, unimplemented
from ccconsole.emulator.names import PROJECT
from ccconsole.emulator.pages import page
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.rpc import Method, plus
from ccconsole.emulator.secretmanager.checksum import crc32c
from ccconsole.emulator.secretmanager.store import Secret, Secrets, State, Version, check_etag, new_etag

PREFIX = "/google.cloud.secretmanager.v1.SecretManagerService/"
MAX_PAYLOAD = 64 << 10
"""Bytes: https://cloud.google.com/secret-manager/quotas."""
_PARENT = re.compile(r"projects/([^/]+)")
_CHANGEABLE = (
    "labels", "annotations", "topics", "expire_time", "ttl", "rotation", "version_aliases",
    "version_destroy_ttl",
)  # fmt: skip
_FILTER = re.compile(r"state\s*[:=]\s*(ENABLED|DISABLED|DESTROYED)", re.IGNORECASE)


class SecretManager:
    """The RPCs on secrets and their versions."""

    def __init__(self, secrets: Secrets, policies: Policies, denied: frozenset[str]) -> None:
        self._secrets = secrets
        self._policies = policies
        self._access = Access(PREFIX, policies, lambda name: secrets.find(name).name, denied)

    def methods(self) -> list[Method]:
        """The rows of google.cloud.secretmanager.v1.SecretManagerService."""
        s = service
        return [
            plus(f"{PREFIX}CreateSecret", s.CreateSecretRequest, self._create),
            plus(f"{PREFIX}GetSecret", s.GetSecretRequest, self._get),
            plus(f"{PREFIX}ListSecrets", s.ListSecretsRequest, self._list),
            plus(f"{PREFIX}UpdateSecret", s.UpdateSecretRequest, self._update),
            plus(f"{PREFIX}DeleteSecret", s.DeleteSecretRequest, self._delete),
            plus(f"{PREFIX}AddSecretVersion", s.AddSecretVersionRequest, self._add_version),
            plus(f"{PREFIX}GetSecretVersion", s.GetSecretVersionRequest, self._get_version),
            plus(f"{PREFIX}ListSecretVersions", s.ListSecretVersionsRequest, self._list_versions),
            plus(f"{PREFIX}AccessSecretVersion", s.AccessSecretVersionRequest, self._access_version),
            plus(f"{PREFIX}EnableSecretVersion", s.EnableSecretVersionRequest, self._enable),
            plus(f"{PREFIX}DisableSecretVersion", s.DisableSecretVersionRequest, self._disable),
            plus(f"{PREFIX}DestroySecretVersion", s.DestroySecretVersionRequest, self._destroy),
            *self._access.methods(),
        ]

    async def _create(self, request: service.CreateSecretRequest) -> resources.Secret:
        project = _project(request.parent)
        replication = resources.Replication.pb(request.secret.replication)
        if replication.WhichOneof("replication") is None:
            raise invalid("Field [secret.replication] is required: automatic or user_managed.")
        made = resources.Secret(replication=request.secret.replication)
        _copy(request.secret, made, _CHANGEABLE)
        made.etag = new_etag()
        made.create_time = _now()
        secret = self._secrets.add(f"projects/{project}/secrets/{request.secret_id}", _to_json(made))
        return _message(secret)

    async def _get(self, request: service.GetSecretRequest) -> resources.Secret:
        return _message(self._secrets.find(request.name))

    async def _list(self, request: service.ListSecretsRequest) -> service.ListSecretsResponse:
        if request.filter:
            raise unimplemented("ListSecretsRequest.filter: the emulator takes no filter on secrets.")
        found = self._secrets.in_project(_project(request.parent))
        rows, token = page(found, request.page_size, request.page_token, lambda item: item.name)
        return service.ListSecretsResponse(
            secrets=[_message(item) for item in rows], next_page_token=token, total_size=len(found)
        )

    async def _update(self, request: service.UpdateSecretRequest) -> resources.Secret:
        secret = self._secrets.find(request.secret.name)
        paths = list(request.update_mask.paths)
        wrong = [path for path in paths if path not in _CHANGEABLE]
        if wrong or not paths:
            raise invalid(f"Field [update_mask] is invalid: {', '.join(wrong) or 'it names no field'}.")
        check_etag(request.secret.etag, secret.fields.get("etag", ""))
        wanted = _message(secret)
        _copy(request.secret, wanted, paths)
        for label, number in wanted.version_aliases.items():
            if number not in secret.versions:
                raise invalid(f"Version alias [{label}] is invalid: there is no version {number}.")
        wanted.etag = new_etag()
        secret.fields = _to_json(wanted)
        self._secrets.save()
        return _message(secret)

    async def _delete(self, request: service.DeleteSecretRequest) -> empty_pb2.Empty:
        self._secrets.remove(request.name, request.etag)
        self._policies.forget(request.name)
        return empty_pb2.Empty()

    async def _add_version(self, request: service.AddSecretVersionRequest) -> resources.SecretVersion:
        secret = self._secrets.find(request.parent)
        data = request.payload.data
        if not data:
            raise invalid("Secret Payload cannot be empty.")
        if len(data) > MAX_PAYLOAD:
            raise invalid(f"The payload size of {len(data)} exceeds the maximum of {MAX_PAYLOAD} bytes.")
        has_checksum = "data_crc32c" in request.payload
        if has_checksum and request.payload.data_crc32c != crc32c(data):
            raise invalid("The checksum in the request does not match the payload's.")
        return _version(secret, self._secrets.add_version(secret, data), has_checksum=has_checksum)

    async def _get_version(self, request: service.GetSecretVersionRequest) -> resources.SecretVersion:
        return _version(*self._secrets.version(request.name))

    async def _list_versions(
        self, request: service.ListSecretVersionsRequest
    ) -> service.ListSecretVersionsResponse:
        secret = self._secrets.find(request.parent)
        found = [item for item in reversed(secret.versions.values()) if item.state in _states(request.filter)]
        rows, token = page(found, request.page_size, request.page_token, lambda item: str(item.number))
        return service.ListSecretVersionsResponse(
            versions=[_version(secret, item) for item in rows], next_page_token=token, total_size=len(found)
        )

    async def _access_version(
        self, request: service.AccessSecretVersionRequest
    ) -> service.AccessSecretVersionResponse:
        data = self._secrets.payload(request.name)
        secret, version = self._secrets.version(request.name)
        payload = resources.SecretPayload(data=data, data_crc32c=crc32c(data))
        name = f"{secret.name}/versions/{version.number}"
        return service.AccessSecretVersionResponse(name=name, payload=payload)

    async def _enable(self, request: service.EnableSecretVersionRequest) -> resources.SecretVersion:
        return _version(*self._secrets.change(request.name, request.etag, State.ENABLED))

    async def _disable(self, request: service.DisableSecretVersionRequest) -> resources.SecretVersion:
        return _version(*self._secrets.change(request.name, request.etag, State.DISABLED))

    async def _destroy(self, request: service.DestroySecretVersionRequest) -> resources.SecretVersion:
        return _version(*self._secrets.change(request.name, request.etag, State.DESTROYED))


def _project(parent: str) -> str:
    match = _PARENT.fullmatch(parent)
    if match is None or not PROJECT.fullmatch(match[1]):
        raise invalid(f"The provided parent [{parent}] does not match projects/*.")
    return match[1]


def _states(text: str) -> Sequence[State]:
    if not text:
        return tuple(State)
    match = _FILTER.fullmatch(text.strip())
    if match is None:
        raise unimplemented("ListSecretVersionsRequest.filter: the emulator takes state:STATE alone.")
    return (State(match[1].upper()),)


def _copy(given: resources.Secret, to: resources.Secret, fields: Sequence[str]) -> None:
    """Take the fields over as they are, the absent ones too."""
    source, target = resources.Secret.pb(given), resources.Secret.pb(to)
    for name in fields:
        target.ClearField(name)
    part = type(source)()
    part.CopyFrom(source)
    for descriptor in source.DESCRIPTOR.fields:
        if descriptor.name not in fields:
            part.ClearField(descriptor.name)
    target.MergeFrom(part)


def _to_json(message: resources.Secret) -> dict[str, Any]:
    return json_format.MessageToDict(resources.Secret.pb(message))


def _message(secret: Secret) -> resources.Secret:
    pb = resources.Secret.pb()()
    json_format.ParseDict(secret.fields, pb)
    pb.name = secret.name
    made: resources.Secret = resources.Secret.wrap(pb)
    return made


def _version(secret: Secret, version: Version, *, has_checksum: bool = False) -> resources.SecretVersion:
    made = resources.SecretVersion(
        name=f"{secret.name}/versions/{version.number}",
        create_time=_moment(version.created),
        state=getattr(resources.SecretVersion.State, version.state),
        etag=version.etag,
        client_specified_payload_checksum=has_checksum,
    )
    if version.destroyed:
        made.destroy_time = _moment(version.destroyed)
    return made


def _moment(seconds: float) -> timestamp_pb2.Timestamp:
    moment = timestamp_pb2.Timestamp()
    moment.FromMicroseconds(int(seconds * 1e6))
    return moment


def _now() -> timestamp_pb2.Timestamp:
    moment = timestamp_pb2.Timestamp()
    moment.GetCurrentTime()
    return moment
