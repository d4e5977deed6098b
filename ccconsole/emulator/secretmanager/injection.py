"""Secrets on their way into instances: what a container's variables get, and what makes a revision fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ccconsole.emulator.faults import Fault, precondition
from ccconsole.emulator.names import project_number
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.secretmanager.store import Secrets
from ccconsole.emulator.spec import RevisionSpec, SecretRef

_READERS = frozenset({"roles/secretmanager.secretAccessor", "roles/secretmanager.admin", "roles/owner"})


@dataclass(frozen=True)
class Injection:
    """Reads the secrets that a revision names."""

    secrets: Secrets
    policies: Policies
    environ: Mapping[str, str] = field(repr=False)
    """The emulator's own variables: where no secret is, one of the same name takes its place."""
    is_strict: bool = False
    """Whether nothing takes its place, and a revision fails that names what it cannot read."""

    def values(self, spec: RevisionSpec) -> dict[str, str]:
        """The variables of an instance that hold secrets; what cannot be read is left out."""
        found: dict[str, str] = {}
        for variable, ref in spec.secrets.items():
            try:
                found[variable] = self._read(ref)
            except Fault:
                if not self.is_strict and variable in self.environ:
                    found[variable] = self.environ[variable]
        return found

    def problem(self, spec: RevisionSpec) -> str:
        """Why a new revision cannot have its secrets, in Cloud Run's words; nothing when it can."""
        if not self.is_strict:
            return ""
        for ref in spec.secrets.values():
            field_name = f"spec.template.spec.containers[0].env[{ref.index}].value_from.secret_key_ref"
            if not self._may_read(spec, ref):
                return f"{field_name}.name: {_ungranted(ref, spec.service_account)}"
            try:
                self._read(ref)
            except Fault as fault:
                text = f"Secret {_numbered(ref.name)} was not found"
                return f"{field_name}.name: {text if 'not found' in fault.message else fault.message}"
        return ""

    def _read(self, ref: SecretRef) -> str:
        payload = self.secrets.payload(ref.name)
        if b"\0" in payload:
            raise precondition("The payload holds a NUL byte, which no environment variable can.")
        # Bytes that are no UTF-8 reach the process as they are.
        return payload.decode("utf-8", "surrogateescape")

    def _may_read(self, spec: RevisionSpec, ref: SecretRef) -> bool:
        """Whether the account that the template names was granted the secret; no name: nothing is checked."""
        if not spec.service_account:
            return True
        member = f"serviceAccount:{spec.service_account}"
        return any(
            binding.role in _READERS and member in binding.members
            for resource in (ref.secret, f"projects/{ref.project}")
            for binding in self.policies.get(resource).bindings
        )


def _ungranted(ref: SecretRef, account: str) -> str:
    return (
        f"Permission denied on secret: {_numbered(ref.name)} for Revision service account {account}. The "
        "service account used must be granted the 'Secret Manager Secret Accessor' role "
        "(roles/secretmanager.secretAccessor) at the secret, project or higher level."
    )


def _numbered(name: str) -> str:
    """Cloud Run names the project by its number here."""
    kind, project, rest = name.split("/", 2)
    return f"{kind}/{project_number(project)}/{rest}"
