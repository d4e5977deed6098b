"""The container engine that builds and runs the image: docker where it answers, else podman as root.

Podman's images and containers are its own, in one folder that goes at the end; docker's are removed by name.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

IS_CI = bool(os.environ.get("CI"))
"""Whether what is missing may be installed."""
PACKAGES = ("podman", "runc", "mmdebstrap")


MEMORY_BYTES = 512 << 20
STRICT = (
    *("--network", "host", "--memory", f"{MEMORY_BYTES}b", "--cap-drop", "all", "--read-only"),
    *("--security-opt", "no-new-privileges", "--tmpfs", "/tmp:rw,exec,nosuid,nodev,mode=1777"),
)
"""How a container is run that is allowed next to nothing."""


class Skipped(Exception):
    """This machine lacks something; the text says what, and how to get it."""


class Wrong(Exception):
    """The image, or its Dockerfile, is not as it should be."""


def run(
    *words: str,
    seconds: float = 300,
    env: Mapping[str, str] | None = None,
    errors: int = subprocess.STDOUT,
    is_shown: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run it in a group of its own, which ends with us or in time; `stdout` holds what it said."""
    process = subprocess.Popen(
        words,
        env=env,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=None if is_shown else subprocess.PIPE,
        stderr=None if is_shown else errors,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        return subprocess.CompletedProcess(words, 124, f"no end within {seconds:g} s")
    except BaseException:
        _end(process)
        raise
    return subprocess.CompletedProcess(words, process.returncode, said or "")


def _end(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last thing that was said."""
    return (done.stdout.strip().splitlines() or ["not a word"])[-1][:300]


class Engine:
    """A container engine, called with its words; `build_words` is what a build needs here."""

    def __init__(self, path: str, build_words: tuple[str, ...] = ()) -> None:
        self.path = path
        self.name = Path(path).name
        self._build_words = build_words
        self._made: list[str] = []

    def __call__(self, *words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        return run(self.path, *words, seconds=seconds)

    def tag(self, name: str) -> str:
        """The name for an image of this run, which is removed at the end."""
        self._made.append(f"localhost/ccconsole-ci-{name}:{os.getpid()}")
        return self._made[-1]

    def build(self, name: str, context: Path, *words: str) -> tuple[str, float]:
        """Build an image; its name, and the seconds it took. Raises Wrong with the engine's last lines."""
        tag, began = self.tag(name), time.monotonic()
        done = self("build", *self._build_words, *words, "--tag", tag, str(context), seconds=600)
        if done.returncode:
            raise Wrong(f"{name} cannot be built:\n" + "\n".join(done.stdout.splitlines()[-30:]))
        return tag, time.monotonic() - began

    def inspect(self, image: str, field: str) -> Any:
        """A field of an image's description."""
        return json.loads(self("image", "inspect", "--format", f"{{{{json .{field}}}}}", image).stdout)

    def close(self) -> None:
        """Remove the images that were made."""
        for image in self._made:
            self("rmi", "--force", image)


def find(work: Path) -> Engine:
    """This machine's engine, which may keep what it needs in `work`.

    Raises:
        Skipped: there is none.
    """
    if sys.platform != "linux":
        raise Skipped("containers are tried on Linux alone, where their network can be the machine's own")
    docker = shutil.which("docker")
    if docker is not None and run(docker, "version").returncode == 0:
        return Engine(docker)
    if os.getuid() != 0:
        raise Skipped("docker does not answer, and podman is used by root alone here")
    if any(shutil.which(name) is None for name in ("podman", "runc")):
        _install()
    return _podman(work)


def _install() -> None:
    install = ["apt-get", "install", "--no-install-recommends", *PACKAGES]
    if not IS_CI or shutil.which("apt-get") is None:
        raise Skipped(f"no container engine: {' '.join(install)}; or CI=true .ci/image, which does so")
    print(f"image: {' '.join(install)}", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for before in ([], ["apt-get", "update", "--quiet"]):
        if before:
            run(*before, env=env)
        done = run(*install, "--yes", "--quiet", env=env)
        if done.returncode == 0:
            return
    raise Skipped(f"no container engine: {' '.join(install)} failed: {last_line(done)}")


def _podman(work: Path) -> Engine:
    """With a store of its own; with runc and plain limits, which work where podman's own defaults do not."""
    found = Engine(shutil.which("podman") or "podman", ("--isolation", "chroot", "--network", "host"))
    os.environ |= _settings(work)
    (work / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    for driver in ("overlay", "vfs"):
        (work / "storage.conf").write_text(
            f'[storage]\ndriver = "{driver}"\ngraphroot = "{work}/root"\nrunroot = "{work}/run"\n'
        )
        done = found("info")
        if done.returncode == 0:
            return found
    raise Skipped(f"podman does not work here: {last_line(done)}")


def _settings(work: Path) -> dict[str, str]:
    return {
        "CONTAINERS_CONF": str(work / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(work / "storage.conf"),
    }


def clear(work: Path) -> None:
    """End and delete whatever lies there: podman's containers, mounts, files."""
    if (work / "storage.conf").exists():
        run("podman", "rm", "--all", "--force", "--time", "0", env=os.environ | _settings(work))
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in sorted((place for place in mounted if place.startswith(f"{work}/")), reverse=True):
            run("umount", "--lazy", place)
    shutil.rmtree(work, ignore_errors=True)
