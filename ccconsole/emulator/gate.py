"""Refuses calls before they are answered: an API is off, a permission denied, a failure asked for."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import grpc

from ccconsole.emulator.apis import TITLES, Apis, api_of
from ccconsole.emulator.faults import Fault, Reason
from ccconsole.emulator.names import default_account, project_number
from ccconsole.emulator.operations import REQUESTED, Operations
from ccconsole.emulator.permissions import ACT_AS, MAKES_A_REVISION, NEEDS
from ccconsole.emulator.refusals import Failure, Refusals

_PROJECT = re.compile(r"projects/([^/]+)")
_LOCATION = re.compile(r"projects/[^/]+/locations/[^/]+")
_WORDS = {
    "logging.logEntries.list": "Permission denied for all log views",
    "monitoring.googleapis.com": "Permission {permission} denied (or the resource may not exist).",
    "secretmanager.googleapis.com": "Permission '{permission}' denied for resource '{resource}' "
    "(or it may not exist).",
    "cloudresourcemanager.googleapis.com": "Permission '{permission}' denied on resource "
    "'//cloudresourcemanager.googleapis.com/{resource}' (or it may not exist).",
    "artifactregistry.googleapis.com": "Permission '{permission}' denied on resource "
    "'//artifactregistry.googleapis.com/{resource}' (or it may not exist).",
}
"""By permission, else by API."""
_OTHERWISE = "Permission '{permission}' denied on resource '{resource}' (or resource may not exist)."


class Gate:
    """What each call passes first."""

    def __init__(self, refusals: Refusals, apis: Apis, operations: Operations) -> None:
        self._denied = refusals.denied
        self._apis = apis
        self._operations = operations
        self._failures = list(refusals.failures)
        self._left = {failure: failure.count for failure in refusals.failures}

    async def admit(self, path: str, request: Any) -> Any:
        """None lets the call pass; a message answers it in its place. Raises a Fault to refuse it."""
        if not self._denied and not self._failures and self._apis.are_all_on:
            return None
        need = NEEDS.get(path)
        resource = need.resource(request) if need else str(getattr(request, "resource", ""))
        match = _PROJECT.match(resource)
        project = match[1] if match else "-"
        api = api_of(path)
        if api and not self._apis.is_enabled(project, api):
            raise disabled(api, project)
        if need is not None and need.permission in self._denied:
            raise denied(need.permission, resource, api)
        if path in MAKES_A_REVISION and ACT_AS in self._denied:
            raise _denied_account(request.service.template.service_account or default_account(project))
        for failure in self._failures:
            if path in failure.paths and self._take(failure):
                return await self._fail(failure, resource)
        return None

    def _take(self, failure: Failure) -> bool:
        """Whether one more call is to fail so."""
        left = self._left[failure]
        if left is not None:
            self._left[failure] = max(left - 1, 0)
        return left is None or left > 0

    async def _fail(self, failure: Failure, resource: str) -> Any:
        if failure.is_operation:
            match = _LOCATION.match(resource)
            operation = self._operations.start(match[0] if match else "", REQUESTED, resource)
            if failure.code is not None:
                self._operations.fail(operation, failure.code, failure.message)
            return self._operations.read(operation)
        if failure.code is None:
            await asyncio.Event().wait()
        else:
            raise Fault(failure.code, failure.message)


def disabled(api: str, project: str) -> Fault:
    """PERMISSION_DENIED, in the words of every API of Google's that is off."""
    number = project_number(project)
    text = (
        f"{TITLES[api]} has not been used in project {number} before or it is disabled. Enable it by "
        f"visiting https://console.developers.google.com/apis/api/{api}/overview?project={number} then "
        "retry. If you enabled this API recently, wait a few minutes for the action to propagate to our "
        "systems and retry."
    )
    reason = Reason(
        "SERVICE_DISABLED",
        "googleapis.com",
        {"service": api, "serviceTitle": TITLES[api], "consumer": f"projects/{number}"},
    )
    return Fault(grpc.StatusCode.PERMISSION_DENIED, text, reason)


def denied(permission: str, resource: str, api: str) -> Fault:
    """PERMISSION_DENIED, in the words of the API."""
    words = _WORDS.get(permission) or _WORDS.get(api) or _OTHERWISE
    reason = Reason(
        "IAM_PERMISSION_DENIED", "iam.googleapis.com", {"permission": permission, "resource": resource}
    )
    text = words.format(permission=permission, resource=resource)
    return Fault(grpc.StatusCode.PERMISSION_DENIED, text, reason)


def _denied_account(account: str) -> Fault:
    text = f"Permission '{ACT_AS}' denied on service account {account} (or it may not exist)."
    return Fault(grpc.StatusCode.PERMISSION_DENIED, text)
