"""Real images: an engine of this machine runs them, where one answers and has the image."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ccconsole import engines
from ccconsole.emulator import processes
from ccconsole.emulator.instance import Command, StartFailed
from ccconsole.emulator.ports import HOST
from ccconsole.emulator.spec import RevisionSpec

LABEL = "ccconsole.emulator"
"""On every container; its value is the state directory."""
STORE = "WORKER_STORE"
"""The variable that may name a folder of this machine, which the container is then given."""

_SCRATCH = "/tmp:rw,exec,nosuid,nodev,mode=1777"
"""The one place a container may write to: it counts as its memory, as all files do on Cloud Run."""
_EVERYWHERE = "0.0.0.0"
_ENGINES_OWN = ("PATH", "HOME", "TMPDIR", "DOCKER_", "CONTAINER", "XDG_", "BUILDAH_", "STORAGE_", "REGISTRY_")
"""How the names begin that the engine itself heeds: a container's value for one must not reach it."""
_ASK_SECONDS = 30.0


@dataclass(frozen=True)
class Container:
    """An image that an engine has."""

    engine: str
    image: str
    user: str
    """Whom the image says it runs as; empty: root."""

    @property
    def engine_name(self) -> str:
        """The engine's own name."""
        return Path(self.engine).name


def host() -> str:
    """Where a container listens: beyond Linux its engine has a machine of its own, which passes ports on."""
    return HOST if sys.platform == "linux" else _EVERYWHERE


@dataclass
class Containers:
    """The containers of one state directory; `saved` and `save` keep which engines have run any."""

    state: Path
    saved: dict[str, Any]
    save: Callable[[dict[str, Any]], None]
    environ: Mapping[str, str]
    _chosen: dict[str, Container | str] = field(default_factory=dict)

    async def of(self, spec: RevisionSpec) -> Container | str:
        """What runs the revision's image, or why nothing does: one answer for all of its instances.

        A bare name, as `worker`, is never a real image; nothing is ever pulled.
        """
        if spec.name not in self._chosen:
            self._chosen[spec.name] = await self._choose(spec.image)
        return self._chosen[spec.name]

    async def command(
        self, container: Container, spec: RevisionSpec, variables: Mapping[str, str], instance_id: str
    ) -> Command:
        """What starts the container and what removes it; raises StartFailed when it cannot start here."""
        if (folder := store_folder(spec)) is not None:
            try:
                await asyncio.to_thread(share, folder, container)
            except OSError as error:
                raise StartFailed(f"The container cannot be given {folder}: {error.strerror}.") from error
        name = f"ccconsole-{instance_id[:16]}"
        argv = words(container, spec, name, variables, self.state)
        env = client_environment(self.environ, variables)
        return Command(argv, env, remove=lambda: self.remove(container.engine, [name]))

    async def orphans(self) -> dict[str, list[str]]:
        """The containers that a killed emulator left, by engine; to be asked before any is started."""
        mine = ("--all", "--quiet", "--filter", f"label={LABEL}={self.state}")
        found = {}
        for engine in self.saved.get("engines", ()):
            _, said = await self._ask(engine, "ps", *mine)
            found[engine] = said.split()
        return found

    async def remove(self, engine: str, names: Sequence[str]) -> None:
        """Kill and remove these containers; those that are gone do not matter."""
        if names:
            # Podman alone would ask politely first, which has been done.
            patience = ["--time", "0"] if Path(engine).name == "podman" else []
            await self._ask(engine, "rm", "--force", *patience, *names)

    async def _choose(self, image: str) -> Container | str:
        if not any(mark in image for mark in "/:@"):
            return ""
        engine = await engines.find(self.environ)
        if engine is None:
            return f"No container engine answers ({', '.join(engines.ENGINES)})"
        code, user = await self._ask(engine, "image", "inspect", "--format", "{{.Config.User}}", image)
        if code:
            return f"{Path(engine).name} has no image {image}"
        if engine not in (known := self.saved.setdefault("engines", [])):
            known.append(engine)
            self.save(self.saved)
        return Container(engine, image, user.strip())

    async def _ask(self, *words: str) -> tuple[int, str]:
        """The engine's exit code and what it says on stdout; 127 when it cannot run or does not answer."""
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                env=self.environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            return 127, ""
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return 127, ""
        return process.returncode or 0, said.decode(errors="replace")


def words(
    container: Container,
    spec: RevisionSpec,
    name: str,
    variables: Mapping[str, str],
    state: Path,
) -> list[str]:
    """The engine's client, which stays while the container runs, passes its output on and signals to it.

    Values stay out of it: the client takes them from its own environment, apart from those it would heed.

    Raises:
        StartFailed: one of those is a secret.
    """
    for secret in spec.secrets:
        if secret.startswith(_ENGINES_OWN):
            raise StartFailed(f"No container here takes a secret as {secret}: its engine would heed it.")
    argv = [container.engine, "run", "--rm", "--name", name, "--label", f"{LABEL}={state}"]
    argv += ["--pull", "never", "--log-driver", "none", "--read-only", "--tmpfs", _SCRATCH]
    argv += ["--cap-drop", "all", "--security-opt", "no-new-privileges", "--security-opt", "label=disable"]
    # More CPUs than the machine has are refused by docker.
    cpus = min(spec.cpus, os.cpu_count() or 1)
    argv += ["--env", processes.MARKER, "--memory", f"{spec.memory_bytes}b", "--cpus", f"{cpus:g}"]
    argv += _network(int(variables["PORT"])) + _user(container)
    if (folder := store_folder(spec)) is not None:
        argv += ["--volume", f"{folder}:{folder}"]
    for variable, value in variables.items():
        argv += ["--env", f"{variable}={value}" if variable.startswith(_ENGINES_OWN) else variable]
    if spec.command:
        argv += ["--entrypoint", spec.command[0]]
    return [*argv, container.image, *spec.command[1:], *spec.args]


def client_environment(environ: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """What the engine's client is given: its own settings, and the values that it hands on."""
    handed = {name: value for name, value in variables.items() if not name.startswith(_ENGINES_OWN)}
    return {**environ, **handed}


def store_folder(spec: RevisionSpec) -> Path | None:
    """The folder of this machine that the worker keeps its journal in."""
    parts = urlsplit(spec.env.get(STORE, ""))
    return Path(url2pathname(parts.path)) if parts.scheme == "file" and parts.path else None


def share(folder: Path, container: Container) -> None:
    """Make the folder, and let the container's user write there.

    Where this emulator is root's, the image's own user stays and the folders become that user's, who is
    nobody on this machine; root reads them all the same. Anybody else's emulator runs containers as itself.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    user, _, group = container.user.partition(":")
    if os.getuid() == 0 and user.isdigit():
        for path, _, _ in os.walk(folder):
            os.chown(path, int(user), int(group) if group.isdigit() else -1)


def _network(port: int) -> list[str]:
    if sys.platform == "linux":
        return ["--network", "host"]
    return ["--publish", f"{HOST}:{port}:{port}"]


def _user(container: Container) -> list[str]:
    if os.getuid() == 0:
        return []
    mapped = ["--userns", "keep-id"] if container.engine_name == "podman" else []
    return [*mapped, "--user", f"{os.getuid()}:{os.getgid()}"]
