"""Writes requirements.lock anew: the worker's libraries, and nothing of the console's, with their hashes.

`python worker_service/image/lock.py`, after a change of `.ci/constraints.txt` or of what the worker imports.
pip answers for each interpreter and processor that an image may have; the versions are the constraints'.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOTS = ("fastapi", "httptools", "obstore", "pydantic", "pydantic-settings", "uvicorn", "uvloop", "wcwidth")
"""What worker_service imports; pip adds what these need."""
PYTHONS = ("3.11", "3.12", "3.13")
PROCESSORS = ("x86_64", "aarch64")
LOCK = Path(__file__).with_name("requirements.lock")
CONSTRAINTS = Path(__file__).parents[2] / ".ci" / "constraints.txt"

_GLIBC = range(41, 16, -1)
"""Minor versions of glibc 2, the newest first as pip ranks them: Debian 13 has 41, most wheels need 17."""
_HEAD = """\
# The worker's libraries, exactly: pip install --require-hashes --no-deps -r requirements.lock
# Wheels for Linux, CPython 3.11 to 3.13, x86_64 and aarch64. Written by lock.py beside it; not by hand.
"""


def _chosen(python: str, processor: str) -> Iterator[tuple[str, str]]:
    """`name==version` and the hash of each wheel that pip takes there."""
    platforms = [f"manylinux_2_{minor}_{processor}" for minor in _GLIBC] + [f"manylinux2014_{processor}"]
    with tempfile.TemporaryDirectory() as folder:
        words = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--dry-run",
            "--ignore-installed",
            "--quiet",
            "--report",
            "-",
        ]
        words += [
            "--target",
            folder,
            "--only-binary",
            ":all:",
            "--python-version",
            python,
            "-c",
            str(CONSTRAINTS),
        ]
        for platform in platforms:
            words += ["--platform", platform]
        done = subprocess.run([*words, *ROOTS], check=True, stdout=subprocess.PIPE)
    report: dict[str, Any] = json.loads(done.stdout)
    for item in report["install"]:
        about = item["metadata"]
        yield (
            f"{about['name'].lower()}=={about['version']}",
            item["download_info"]["archive_info"]["hashes"]["sha256"],
        )


def main() -> int:
    """Write the lock; the exit code."""
    hashes: dict[str, set[str]] = {}
    for python in PYTHONS:
        for processor in PROCESSORS:
            for pin, digest in _chosen(python, processor):
                hashes.setdefault(pin, set()).add(digest)
    rows = [
        " \\\n".join([pin, *(f"    --hash=sha256:{digest}" for digest in sorted(hashes[pin]))])
        for pin in sorted(hashes)
    ]
    LOCK.write_text(_HEAD + "\n".join(rows) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
