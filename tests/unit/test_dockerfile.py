"""The worker's Dockerfile, its lock and its scripts, as any machine can check them: no engine, no network."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from worker_service.image import lock, sbom

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "worker_service" / "image"
LINUX: dict[str, str] = {"platform_system": "Linux", "sys_platform": "linux", "platform_machine": "x86_64"}


def is_needed(item: Requirement) -> bool:
    """Whether any interpreter that the lock is for needs it."""
    marker = item.marker
    asked = [{**LINUX, "extra": "", "python_version": python} for python in lock.PYTHONS]
    return marker is None or any(marker.evaluate(one) for one in asked)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions and their arguments, continued lines joined."""
    text = (ROOT / "Dockerfile.cloudrun").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def arguments(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def pinned(text: str) -> dict[str, str]:
    """Canonical names and versions of `name==version` lines."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


LOCKED = pinned((FOLDER / "requirements.lock").read_text())


def test_the_bases_are_tags_of_the_official_images_and_arguments() -> None:
    given = dict(rest.split("=", 1) for rest in arguments("ARG") if "_IMAGE=" in rest)
    stages = [rest.split(" AS ") for rest in arguments("FROM")]
    names = [name for _, name in stages]

    assert re.fullmatch(r"python:3\.\d+-slim-\w+", given["PYTHON_IMAGE"])
    assert re.fullmatch(r"node:\d+-\w+-slim", given["NODE_IMAGE"])
    assert {origin for origin, _ in stages} - {f"${{{name}}}" for name in given} <= set(names)
    # Builders without BuildKit make every stage up to the one that is asked for.
    assert names.index("worker") < names.index("claude") < names.index("full") == len(names) - 1


def test_any_builder_understands_it() -> None:
    text = (ROOT / "Dockerfile.cloudrun").read_text()

    assert "<<" not in text
    assert "--mount" not in text
    assert "--platform" not in text
    assert not text.startswith("# syntax")
    assert not arguments("ADD")


def test_it_runs_as_nobody_special_in_exec_form_without_secrets() -> None:
    (user,), (entry,) = arguments("USER"), arguments("ENTRYPOINT")
    told = " ".join(arguments("ARG") + arguments("ENV")).upper()

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert json.loads(entry)[-2:] == ["-m", "worker_service"]
    assert not re.search(r"KEY|TOKEN|SECRET|PASSWORD", told)
    assert "PORT=8080" in told
    assert arguments("EXPOSE") == ["8080"]
    assert not arguments("CMD")


def test_the_cli_is_pinned_by_version_and_by_the_hash_of_each_processor() -> None:
    given = dict(rest.split("=", 1) for rest in arguments("ARG") if "=" in rest)

    assert re.fullmatch(r"\d+\.\d+\.\d+", given["CLAUDE_VERSION"])
    for name in ("CLAUDE_INTEGRITY_X64", "CLAUDE_INTEGRITY_ARM64"):
        kind, _, digest = given[name].strip('"').partition("-")
        assert (kind, len(base64.b64decode(digest, validate=True))) == ("sha512", 64)


def test_the_lock_agrees_with_the_constraints_and_the_project() -> None:
    constraints = pinned((ROOT / ".ci" / "constraints.txt").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {canonicalize_name(item.name): item for item in map(Requirement, project["dependencies"])}

    assert {name: constraints.get(name) for name in LOCKED} == LOCKED
    for name in lock.ROOTS:
        assert asked[canonicalize_name(name)].specifier.contains(LOCKED[canonicalize_name(name)]), name


def test_the_lock_names_no_address_and_every_line_has_hashes() -> None:
    text = (FOLDER / "requirements.lock").read_text()
    rows = re.sub(r" \\\n\s*", " ", text).splitlines()

    assert "://" not in text
    assert "index" not in text
    for row in rows:
        assert row.startswith("#") or re.fullmatch(r"[\w.-]+==\S+( --hash=sha256:[0-9a-f]{64})+", row), row


def test_the_lock_is_closed() -> None:
    """Whatever a locked library needs on Linux is locked too; nothing else is."""
    needed = {canonicalize_name(name) for name in lock.ROOTS}
    pending = list(needed)
    while pending:
        for text in metadata.requires(pending.pop()) or ():
            item = Requirement(text)
            name = canonicalize_name(item.name)
            if is_needed(item) and name not in needed:
                needed.add(name)
                pending.append(name)
    assert needed == set(LOCKED)


def test_the_lock_holds_all_that_the_worker_imports() -> None:
    imported: set[str] = set()
    for path in (ROOT / "worker_service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    origins = metadata.packages_distributions()
    foreign = imported - sys.stdlib_module_names - {"worker_service"}

    assert "fastapi" in foreign
    assert {
        name for name in foreign if not {canonicalize_name(item) for item in origins[name]} & set(LOCKED)
    } == set()


def test_the_image_s_own_files_are_in_no_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"] == ["worker_service/image"]


def fetched(folder: Path, integrity: dict[str, str], processor: str) -> subprocess.CompletedProcess[str]:
    """Run fetch-claude with an npm that packs what its arguments say."""
    if shutil.which("basenc") is None:
        pytest.skip("no basenc, which every Debian has")
    npm = folder / "npm"
    npm.write_text(
        '#!/bin/sh\nset -e\nmkdir -p package\necho "the CLI: $*" > package/claude\n'
        "tar --create --gzip --sort=name --mtime=@0 --owner=0 --group=0 --file made.tgz package\n"
        "rm -r package\necho made.tgz\n"
    )
    npm.chmod(0o755)
    env = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CLAUDE_VERSION": "1.2.3",
        "TARGETARCH": processor,
        **integrity,
    }
    return subprocess.run(
        ["sh", str(FOLDER / "fetch-claude")], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("processor", "name"), [("amd64", "x64"), ("arm64", "arm64")])
def test_the_cli_that_is_fetched_is_the_pinned_one(tmp_path: Path, processor: str, name: str) -> None:
    none = {"CLAUDE_INTEGRITY_X64": "sha512-", "CLAUDE_INTEGRITY_ARM64": "sha512-"}
    refused = fetched(tmp_path, none, processor)
    found = base64.b64encode(hashlib.sha512((tmp_path / "made.tgz").read_bytes()).digest()).decode()
    assert refused.returncode == 1
    assert f"found:  sha512-{found}\n" in refused.stderr
    assert not (tmp_path / "claude").exists()

    kept = fetched(tmp_path, none | {f"CLAUDE_INTEGRITY_{name.upper()}": f"sha512-{found}"}, processor)
    assert (kept.returncode, kept.stderr) == (0, "")
    said = (tmp_path / "claude").read_text()
    assert said == f"the CLI: pack --silent @anthropic-ai/claude-code-linux-{name}@1.2.3\n"
    assert (tmp_path / "claude").stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "made.tgz").exists()


def test_there_is_no_cli_for_other_processors(tmp_path: Path) -> None:
    ended = fetched(tmp_path, {}, "riscv64")
    assert ended.returncode == 1
    assert ended.stderr == "There is no Claude CLI for riscv64.\n"


def test_the_bill_of_materials(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(
        "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n"
        "Description: shell\n of GNU\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"
    )
    bill = sbom.document("python:3", "2.1.330", status)
    purls = [part["purl"] for part in bill["components"]]

    assert purls == sorted(purls)
    assert {"pkg:npm/%40anthropic-ai/claude-code@2.1.330", "pkg:deb/debian/bash@5.2-1?arch=amd64"} < set(
        purls
    )
    assert f"pkg:pypi/fastapi@{LOCKED['fastapi']}" in purls
    assert not [purl for purl in purls if "gone" in purl]
    assert "pkg:npm" not in json.dumps(sbom.document("python:3", "", status))
