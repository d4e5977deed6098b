"""IAM policies by the full name of what they are on, with Google's rule for changing them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import grpc

from ccconsole.emulator.faults import Fault, invalid

if TYPE_CHECKING:
    from google.iam.v1 import policy_pb2

EMPTY_ETAG = b"\x00\x20\x01"
"""Of a resource without a policy; in JSON it is the `ACAB` that gcloud prints."""
_VERSIONS = (0, 1, 3)
_MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers|(user|serviceAccount|group|domain|principal|principalSet|projectOwner"
    r"|projectEditor|projectViewer|deleted):\S+"
)
_ROLE = re.compile(r"roles/[A-Za-z0-9._]+|(projects|organizations)/[^/]+/roles/[A-Za-z0-9._]+")


class Policies:
    """All policies; `save` is called with them after each change."""

    def __init__(self, saved: Mapping[str, Any], save: Callable[[dict[str, Any]], None]) -> None:
        # Google's messages are read when they are first asked for: an emulator starts without them.
        self._saved: dict[str, Any] = dict(saved)
        self._save = save

    def get(self, resource: str) -> policy_pb2.Policy:
        """The policy on a resource; an empty one with an etag where none was set."""
        from google.iam.v1 import policy_pb2
        from google.protobuf import json_format

        found = self._saved.get(resource)
        if found is None:
            return policy_pb2.Policy(etag=EMPTY_ETAG)
        return json_format.ParseDict(found, policy_pb2.Policy())

    def set(self, resource: str, policy: policy_pb2.Policy) -> policy_pb2.Policy:
        """Replace the policy on a resource; ABORTED for a stale etag, INVALID_ARGUMENT for a wrong policy."""
        from google.iam.v1 import policy_pb2
        from google.protobuf import json_format

        present = self.get(resource)
        if policy.etag and policy.etag != present.etag:
            raise _stale(policy.etag, present.etag)
        _check(policy)
        wanted = policy_pb2.Policy()
        wanted.CopyFrom(policy)
        wanted.version = policy.version or 1
        wanted.etag = secrets.token_bytes(9)
        self._saved[resource] = json_format.MessageToDict(wanted)
        self._save(self._saved)
        return wanted

    def forget(self, prefix: str) -> None:
        """Drop the policies on a resource and on all below it."""
        gone = [name for name in self._saved if name == prefix or name.startswith(f"{prefix}/")]
        for name in gone:
            del self._saved[name]
        if gone:
            self._save(self._saved)


def _check(policy: policy_pb2.Policy) -> None:
    if policy.version not in _VERSIONS:
        raise invalid(f"Invalid policy version {policy.version}: it must be 0, 1 or 3.")
    for binding in policy.bindings:
        if not _ROLE.fullmatch(binding.role):
            raise invalid(f"Role {binding.role} is not supported for this resource.")
        if binding.HasField("condition") and policy.version != 3:
            raise invalid("The policy has conditions; its version must be 3.")
        for member in binding.members:
            if not _MEMBER.fullmatch(member):
                text = f"The member {member} is of an unknown type."
                raise invalid(f"{text} Please set a valid type prefix for the member.")


def _stale(given: bytes, present: bytes) -> Fault:
    text = (
        "There were concurrent policy changes. Please retry the whole read-modify-write with exponential "
        f"backoff. The request's ETag '{given.hex()}' did not match the current policy's ETag "
        f"'{present.hex()}'."
    )
    return Fault(grpc.StatusCode.ABORTED, text)
