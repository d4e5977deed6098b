"""A revision as the runtime needs it: plain values, and the command behind its image."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.cloud.run_v2.types.k8s_min import Container, SecretKeySelector
from google.cloud.run_v2.types.revision import Revision

from ccconsole.emulator import sizes
from ccconsole.emulator.names import ServiceName, parse_revision
from ccconsole.emulator.probes import StartupProbe

BUNDLED_WORKER = "worker_service"
"""The module that runs for an image nobody mapped."""

_INHERITED = ("PATH", "HOME", "LANG")
"""What an instance gets of the emulator's own environment, beside TMPDIR, which is its own."""


@dataclass(frozen=True)
class SecretRef:
    """The version of a secret that a variable holds."""

    project: str
    secret_id: str
    version: str
    """A number, an alias or `latest`."""
    index: int = 0
    """The variable's place among all of the container."""

    @property
    def secret(self) -> str:
        """The secret's full name."""
        return f"projects/{self.project}/secrets/{self.secret_id}"

    @property
    def name(self) -> str:
        """The version's full name."""
        return f"{self.secret}/versions/{self.version}"


@dataclass(frozen=True)
class RevisionSpec:
    """One revision's settings; times in seconds."""

    service: ServiceName
    revision: str
    image: str
    command: Sequence[str]
    args: Sequence[str]
    env: Mapping[str, str]
    secrets: Mapping[str, SecretRef]
    """The variables that hold a secret."""
    service_account: str
    """Empty: the project's default one."""
    probe: StartupProbe
    concurrency: int
    timeout: float
    min_instances: int
    max_instances: int
    is_affine: bool
    is_cpu_always: bool
    """Whether the CPU stays allocated between requests (instance-based billing), so that work may go on."""
    cpus: float
    memory_bytes: int

    @property
    def name(self) -> str:
        """The revision's full name."""
        return self.service.revision(self.revision)


def read(revision: Revision) -> RevisionSpec:
    """The plain values of a populated revision."""
    service, short = parse_revision(revision.name, "name")
    container = revision.containers[0]
    return RevisionSpec(
        service=service,
        revision=short,
        image=container.image,
        command=tuple(container.command),
        args=tuple(container.args),
        env={item.name: item.value for item in container.env if "value_source" not in item},
        secrets={
            item.name: _read_ref(item.value_source.secret_key_ref, service.location.project, index)
            for index, item in enumerate(container.env)
            if "value_source" in item
        },
        service_account=revision.service_account,
        probe=_read_probe(container),
        concurrency=revision.max_instance_request_concurrency,
        timeout=Revision.pb(revision).timeout.ToTimedelta().total_seconds(),
        min_instances=revision.scaling.min_instance_count,
        max_instances=revision.scaling.max_instance_count,
        is_affine=revision.session_affinity,
        is_cpu_always=not container.resources.cpu_idle,
        cpus=sizes.parse_cpu(container.resources.limits["cpu"], "cpu") / 1000,
        memory_bytes=sizes.parse_memory(container.resources.limits["memory"], "memory"),
    )


def _read_ref(selector: SecretKeySelector, project: str, index: int) -> SecretRef:
    """Of a secret's id in the service's project, or of its full name in another one."""
    words = selector.secret.split("/")
    if len(words) == 4:
        project = words[1]
    return SecretRef(project, words[-1], selector.version or "latest", index)


def _read_probe(container: Container) -> StartupProbe:
    probe = container.startup_probe
    has_path = "http_get" in probe
    return StartupProbe(
        path=(probe.http_get.path or "/") if has_path else None,
        headers=tuple((item.name, item.value) for item in probe.http_get.http_headers) if has_path else (),
        initial_delay=probe.initial_delay_seconds,
        timeout=probe.timeout_seconds,
        period=probe.period_seconds,
        threshold=probe.failure_threshold,
    )


@dataclass(frozen=True)
class Images:
    """Which command stands behind an image: by full name, without its tag or digest, or by its last part."""

    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, options: Sequence[str]) -> Images:
        """From NAME=COMMAND options, COMMAND in shell words; raises ValueError for anything else."""
        commands = {}
        for option in options:
            name, equals, command = option.partition("=")
            words = shlex.split(command)
            if not name or not equals or not words:
                raise ValueError(f"--image {option}: expected NAME=COMMAND")
            commands[name] = words
        return cls(commands)

    def argv(self, spec: RevisionSpec) -> Sequence[str]:
        """The process to start: the container's own command, or the image's, and its arguments."""
        return [*(spec.command or self._entrypoint(spec.image)), *spec.args]

    def is_mapped(self, spec: RevisionSpec) -> bool:
        """Whether a command of this machine stands for its image."""
        return any(name in self.commands for name in _names(spec.image))

    def is_bundled(self, spec: RevisionSpec) -> bool:
        """Whether the bundled worker runs for it."""
        return not spec.command and not self.is_mapped(spec)

    def _entrypoint(self, image: str) -> Sequence[str]:
        for name in _names(image):
            if name in self.commands:
                return self.commands[name]
        return [sys.executable, "-m", BUNDLED_WORKER]


def _names(image: str) -> tuple[str, str, str]:
    path, _, last = image.rpartition("/")
    bare = last.partition("@")[0].partition(":")[0]
    return image, f"{path}/{bare}" if path else bare, bare


def variables(spec: RevisionSpec, port: int, host: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """What the container is told: its own variables, its secrets, and Cloud Run's."""
    return {
        **secrets,
        **spec.env,
        "HOST": host,
        "PORT": str(port),
        "K_SERVICE": spec.service.service,
        "K_REVISION": spec.revision,
        "K_CONFIGURATION": spec.service.service,
    }


def inherited(own: Mapping[str, str], *, is_bundled: bool) -> dict[str, str]:
    """What a process has beside that: of the emulator's own variables only what every process needs."""
    kept = {name: own[name] for name in _INHERITED if name in own}
    if is_bundled and (folder := _checkout()) is not None:
        kept["PYTHONPATH"] = os.fspath(folder)
    if is_bundled:
        # Its image would hold the Claude CLI; this machine may not.
        kept["WORKER_AGENT"] = "auto"
    return kept


def _checkout() -> Path | None:
    found = importlib.util.find_spec(BUNDLED_WORKER)
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent.parent
    return None if "site-packages" in folder.parts else folder
