"""Which RPC answers which HTTP request: what gcloud asks, as Google's own annotations of the RPCs bind it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from google.protobuf.message import Message

_LOGGING = "/google.logging.v2.LoggingServiceV2/"
_SECRETS = "/google.cloud.secretmanager.v1.SecretManagerService/"
_USAGE = "/google.api.serviceusage.v1.ServiceUsage/"
_RUN = "/google.cloud.run.v2.Services/"
_PROJECTS = "/google.cloud.resourcemanager.v3.Projects/"
_OPERATIONS = "/google.longrunning.Operations/"

_LOG_TYPES = "google.cloud.logging_v2.types.logging"
_SECRET_TYPES = "google.cloud.secretmanager_v1.types"
_USAGE_TYPES = "google.cloud.service_usage_v1.types"
_IAM = "google.iam.v1"
_LRO = "google.longrunning.operations_pb2"

PROJECT = "projects/[^/:]+"
_SECRET = f"{PROJECT}/secrets/[^/:]+"
_VERSION = f"{_SECRET}/versions/[^/:]+"
_API = f"{PROJECT}/services/[^/:]+"
_SERVICE = f"{PROJECT}/locations/[^/:]+/services/[^/:]+"
ALL = "*"
"""The body is the whole request."""


@dataclass(frozen=True)
class Rule:
    """One binding. The messages are imported when the rule is first followed: each API's are many."""

    method: str
    path: str
    """A regular expression; its named groups are fields of the request, `__` for the dots of a path."""
    rpc: str
    request: str
    response: str
    """The messages' modules and names."""
    body: str = ""
    """The request's field that the body is, ALL, or empty: there is no body."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path, compiled."""
        return re.compile(self.path)

    @cached_property
    def kinds(self) -> tuple[type[Message], type[Message]]:
        """The classes of the request and the response."""
        return _load(self.request), _load(self.response)


def _load(name: str) -> type[Message]:
    module, _, kind = name.rpartition(".")
    found: Any = getattr(importlib.import_module(module), kind)
    message: type[Message] = found.pb() if hasattr(found, "pb") else found
    return message


def _policies(prefix: str, rpc: str, *, reading: str = "GET") -> list[Rule]:
    """IAM's three verbs; `reading` is the method of getIamPolicy, which is not the same for all APIs."""
    policy, asked = f"{_IAM}.policy_pb2.Policy", f"{_IAM}.iam_policy_pb2"
    body = ALL if reading == "POST" else ""
    return [
        Rule(
            reading,
            f"{prefix}:getIamPolicy",
            f"{rpc}GetIamPolicy",
            f"{asked}.GetIamPolicyRequest",
            policy,
            body,
        ),
        Rule(
            "POST",
            f"{prefix}:setIamPolicy",
            f"{rpc}SetIamPolicy",
            f"{asked}.SetIamPolicyRequest",
            policy,
            ALL,
        ),
        Rule(
            "POST",
            f"{prefix}:testIamPermissions",
            f"{rpc}TestIamPermissions",
            f"{asked}.TestIamPermissionsRequest",
            f"{asked}.TestIamPermissionsResponse",
            ALL,
        ),
    ]


def _logging(method: str, path: str, name: str, body: str = "") -> Rule:
    rpc = f"{_LOGGING}{name}"
    return Rule(method, path, rpc, f"{_LOG_TYPES}.{name}Request", f"{_LOG_TYPES}.{name}Response", body)


def _secrets(method: str, path: str, name: str, response: str, body: str = "") -> Rule:
    request = f"{_SECRET_TYPES}.service.{name}Request"
    full = response if "." in response else f"{_SECRET_TYPES}.resources.{response}"
    return Rule(method, path, f"{_SECRETS}{name}", request, full, body)


def _usage(method: str, path: str, name: str, response: str, body: str = "") -> Rule:
    request = f"{_USAGE_TYPES}.serviceusage.{name}Request"
    return Rule(method, path, f"{_USAGE}{name}", request, response, body)


def rules() -> Sequence[Rule]:
    """All of them."""
    name, parent = "/v1/(?P<name>{})", "/v1/(?P<parent>{})"
    secret, version = name.format(_SECRET), name.format(_VERSION)
    lists = f"{_SECRET_TYPES}.service.List"
    operation = f"{_LRO}.Operation"
    return [
        _logging("POST", "/v2/entries:list", "ListLogEntries", ALL),
        _logging("POST", "/v2/entries:write", "WriteLogEntries", ALL),
        _logging("GET", f"/v2/(?P<parent>{PROJECT})/logs", "ListLogs"),
        *_policies(f"/v1/(?P<resource>{_SERVICE})", _RUN),
        *_policies(f"/v1/(?P<resource>{_SECRET})", _SECRETS),
        *_policies(f"/v1/(?P<resource>{PROJECT})", _PROJECTS, reading="POST"),
        _secrets("GET", f"{parent.format(PROJECT)}/secrets", "ListSecrets", f"{lists}SecretsResponse"),
        _secrets("POST", f"{parent.format(PROJECT)}/secrets", "CreateSecret", "Secret", "secret"),
        _secrets("GET", secret, "GetSecret", "Secret"),
        _secrets("PATCH", f"/v1/(?P<secret__name>{_SECRET})", "UpdateSecret", "Secret", "secret"),
        _secrets("DELETE", secret, "DeleteSecret", "google.protobuf.empty_pb2.Empty"),
        _secrets("POST", f"{parent.format(_SECRET)}:addVersion", "AddSecretVersion", "SecretVersion", ALL),
        _secrets(
            "GET",
            f"{parent.format(_SECRET)}/versions",
            "ListSecretVersions",
            f"{lists}SecretVersionsResponse",
        ),
        _secrets("GET", version, "GetSecretVersion", "SecretVersion"),
        _secrets(
            "GET",
            f"{version}:access",
            "AccessSecretVersion",
            f"{_SECRET_TYPES}.service.AccessSecretVersionResponse",
        ),
        *(
            _secrets("POST", f"{version}:{verb.lower()}", f"{verb}SecretVersion", "SecretVersion", ALL)
            for verb in ("Enable", "Disable", "Destroy")
        ),
        _usage("GET", name.format(_API), "GetService", f"{_USAGE_TYPES}.resources.Service"),
        _usage(
            "GET",
            f"{parent.format(PROJECT)}/services",
            "ListServices",
            f"{_USAGE_TYPES}.serviceusage.ListServicesResponse",
        ),
        _usage("POST", f"{name.format(_API)}:enable", "EnableService", operation, ALL),
        _usage("POST", f"{name.format(_API)}:disable", "DisableService", operation, ALL),
        _usage(
            "POST", f"{parent.format(PROJECT)}/services:batchEnable", "BatchEnableServices", operation, ALL
        ),
        Rule(
            "GET",
            "/v1/(?P<name>operations/[^/:]+)",
            f"{_OPERATIONS}GetOperation",
            f"{_LRO}.GetOperationRequest",
            operation,
        ),
    ]
