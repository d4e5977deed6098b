"""What the image is built on: the official images where they can be pulled, else a Debian in their place.

A stand-in proves the Dockerfile, not the official image. The libraries are fetched by this machine's pip and
lie in the base, so that a build needs no network, and one that fails is the image's own fault.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
from datetime import date
from pathlib import Path

from tests.image.engine import STRICT, Engine, Skipped, Wrong, last_line, run

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile.cloudrun"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ccconsole-ci"

_LOCK = ROOT / "worker_service" / "image" / "requirements.lock"
_SUITE = "trixie"
_PROCESSOR = platform.machine()
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")


def argument(name: str) -> str:
    """The Dockerfile's own value of an argument."""
    found = re.search(rf"^ARG {name}=\"?([^\"\s]+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert found
    return found[1]


def python(engine: Engine, work: Path) -> str:
    """The Python image with the locked libraries in it; raises Skipped when neither can be had."""
    official = argument("PYTHON_IMAGE")
    if engine("pull", "--quiet", official).returncode == 0:
        print(f"image: {engine.name}, on {official}", flush=True)
        return _with_wheels(engine, official, work)
    archive = _debian(official, work)
    tag = engine.tag("debian")
    done = engine("import", "--change", f"ENV {_PATH}", str(archive), tag)
    if done.returncode:
        raise Wrong(f"the stand-in cannot be imported: {last_line(done)}")
    print(f"image: {engine.name}, on a Debian {_SUITE} that stands in for {official}", flush=True)
    return _with_wheels(engine, tag, work)


def _debian(official: str, work: Path) -> Path:
    """A Debian with Python as an archive, made once a week."""
    if os.getuid() != 0 or shutil.which("mmdebstrap") is None:
        raise Skipped(f"{official} cannot be pulled, and there is no mmdebstrap to make what could stand in")
    year, week, _ = date.today().isocalendar()
    archive = CACHE / f"{_SUITE}-{year}-{week}-{_PROCESSOR}.tar"
    if not archive.exists():
        for old in CACHE.glob(f"{_SUITE}-*.tar"):
            old.unlink()
        words = ["--mode=root", "--variant=minbase", "--include=ca-certificates,python3,python3-venv"]
        draft = work / "debian.tar"
        done = run("mmdebstrap", *words, _SUITE, str(draft), env=os.environ | {"TMPDIR": str(work)})
        if done.returncode:
            raise Skipped(f"{official} cannot be pulled, nor a Debian made: {last_line(done)}")
        draft.replace(archive)
    return archive


def _with_wheels(engine: Engine, base: str, work: Path) -> str:
    said = engine("run", "--rm", *STRICT, base, "python3", "-V")
    if said.returncode:
        raise Skipped(f"{engine.name} runs no container as it must be run here: {last_line(said)}")
    version = said.stdout.split()[-1].rpartition(".")[0]
    key = hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:12]
    wheels = CACHE / f"wheels-{key}-{version}-{_PROCESSOR}"
    if not wheels.exists():
        for old in CACHE.glob("wheels-*"):
            shutil.rmtree(old)
        words = ["download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        words += ["--python-version", version, "--dest", str(work / "wheels"), "--requirement", str(_LOCK)]
        for kind in ("2014", *(f"_2_{minor}" for minor in range(17, 42))):
            words += ["--platform", f"manylinux{kind}_{_PROCESSOR}"]
        done = run(sys.executable, "-m", "pip", *words)
        if done.returncode:
            raise Skipped(f"the worker's libraries cannot be fetched: {last_line(done)}")
        (work / "wheels").replace(wheels)
    folder = work / "base"
    shutil.copytree(wheels, folder / "wheels")
    (folder / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY wheels /wheels\nCOPY pip.conf /etc/pip.conf\n")
    return engine.build("base", folder)[0]


def node(engine: Engine, base: str, work: Path) -> str:
    """The Node image, else that base with this machine's own npm and what it trusts; raises Skipped."""
    official = argument("NODE_IMAGE")
    if engine("pull", "--quiet", official).returncode == 0:
        return official
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None or not _TRUSTED.exists():
        raise Skipped(f"{official} cannot be pulled, and there is no npm here that could stand in")
    folder = work / "node"
    shutil.copytree(Path(npm).resolve().parents[1], folder / "npm")
    shutil.copy2(Path(program).resolve(), folder / "node")
    shutil.copy2(_TRUSTED, folder / "trusted.crt")
    (folder / "Dockerfile").write_text(
        f"FROM {base}\nCOPY node /usr/local/bin/\nCOPY npm /usr/local/lib/npm\nCOPY trusted.crt /etc/\n"
        "RUN ln -s ../lib/npm/bin/npm-cli.js /usr/local/bin/npm\nENV NPM_CONFIG_CAFILE=/etc/trusted.crt\n"
    )
    return engine.build("node", folder)[0]
