"""The three RPCs on IAM policies, which all of Google's services have alike."""

from __future__ import annotations

from collections.abc import Callable, Collection

from google.iam.v1 import iam_policy_pb2, policy_pb2

from ccconsole.emulator.faults import invalid
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.rpc import Method, raw

_FIELDS = frozenset({"bindings", "etag", "version"})


class Access:
    """GetIamPolicy, SetIamPolicy and TestIamPermissions of one service of Google's."""

    def __init__(
        self, prefix: str, policies: Policies, find: Callable[[str], str], denied: Collection[str] = ()
    ) -> None:
        """`find` takes a request's resource to the name its policy is kept by; raises NOT_FOUND."""
        self._prefix = prefix
        self._policies = policies
        self._find = find
        self._denied = denied

    def methods(self) -> list[Method]:
        """The rows; `prefix` is /package.Service/."""
        pb = iam_policy_pb2
        return [
            raw(f"{self._prefix}GetIamPolicy", pb.GetIamPolicyRequest, self._get),
            raw(f"{self._prefix}SetIamPolicy", pb.SetIamPolicyRequest, self._set),
            raw(f"{self._prefix}TestIamPermissions", pb.TestIamPermissionsRequest, self._test),
        ]

    async def _get(self, request: iam_policy_pb2.GetIamPolicyRequest) -> policy_pb2.Policy:
        return self._policies.get(self._find(request.resource))

    async def _set(self, request: iam_policy_pb2.SetIamPolicyRequest) -> policy_pb2.Policy:
        for path in request.update_mask.paths:
            if path not in _FIELDS:
                raise invalid(f"Violation in SetIamPolicyRequest.update_mask: '{path}' cannot be set.")
        return self._policies.set(self._find(request.resource), request.policy)

    async def _test(
        self, request: iam_policy_pb2.TestIamPermissionsRequest
    ) -> iam_policy_pb2.TestIamPermissionsResponse:
        self._find(request.resource)
        for permission in request.permissions:
            if "*" in permission or permission.count(".") < 2:
                raise invalid(f"Permission {permission} is not valid for this resource.")
        held = [permission for permission in request.permissions if permission not in self._denied]
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=held)
