"""The image's bill of materials, as CycloneDX JSON: Debian's packages, Python, its libraries, the CLI.

Runs in the image's build with that image's interpreter, so it knows the standard library alone.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

_DPKG = Path("/var/lib/dpkg/status")


def _component(name: str, version: str, purl: str, **more: Any) -> dict[str, Any]:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl, **more}


def libraries() -> Iterator[dict[str, Any]]:
    """What is installed beside this interpreter."""
    for found in metadata.distributions():
        name, version = found.metadata["Name"], found.version
        stated = [found.metadata[key] for key in ("License-Expression", "License") if key in found.metadata]
        more = {"licenses": [{"license": {"name": stated[0].splitlines()[0]}}]} if stated else {}
        yield _component(name, version, f"pkg:pypi/{name.lower().replace('_', '-')}@{version}", **more)


def packages(status: Path) -> Iterator[dict[str, Any]]:
    """What Debian has installed; nothing where the base is none of Debian's."""
    for block in status.read_text("utf-8").split("\n\n") if status.exists() else ():
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if line[:1].isalpha() and ": " in line
        )
        if fields.get("Status") == "install ok installed":
            name, version = fields["Package"], fields["Version"]
            yield _component(name, version, f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}")


def document(base: str, claude: str, status: Path = _DPKG) -> dict[str, Any]:
    """The whole bill, in one order whoever builds it; it holds no date."""
    python = platform.python_version()
    components = [
        _component("python", python, f"pkg:generic/python@{python}"),
        *libraries(),
        *packages(status),
    ]
    if claude:
        name = "@anthropic-ai/claude-code"
        components.append(
            _component(
                name,
                claude,
                f"pkg:npm/%40anthropic-ai/claude-code@{claude}",
                licenses=[{"license": {"name": "Anthropic PBC, all rights reserved"}}],
            )
        )
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "container", "name": "ccconsole-worker", "bom-ref": "ccconsole-worker"},
            "properties": [{"name": "base", "value": base}],
        },
        "components": sorted(components, key=lambda component: component["purl"]),
    }


def main() -> int:
    """Print the bill; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="", metavar="IMAGE", help="what the image is built on")
    parser.add_argument("--claude", default="", metavar="VERSION", help="of the Claude CLI in the image")
    given = parser.parse_args()
    json.dump(document(given.base, given.claude), sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
