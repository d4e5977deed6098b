"""The image built, built again, started, measured, and put to its tests."""

from __future__ import annotations

import math
import os
import shutil
import statistics
import sys
import time
import urllib.request
from pathlib import Path

from tests.image.bases import DOCKERFILE, ROOT, argument
from tests.image.engine import Engine, Wrong, last_line, run

STARTS = 3
_PORT = 18080
_ANSWER_SECONDS = 60.0


def build(engine: Engine, base: str, work: Path) -> str:
    """The image without the Claude CLI, from a copy of the checkout; built again with one line changed."""
    context = work / "context"
    shutil.copytree(
        ROOT / "worker_service", context / "worker_service", ignore=shutil.ignore_patterns("__pycache__")
    )
    for path in (DOCKERFILE, ROOT / ".dockerignore"):
        shutil.copy2(path, context)
    words = [*_words(context, base), "--target", "worker"]
    image, seconds = engine.build("worker", context, *words)
    layers = engine.inspect(image, "RootFS.Layers")
    with (context / "worker_service" / "app.py").open("a") as file:
        file.write("# One line more.\n")
    changed, seconds_changed = engine.build("changed", context, *words)
    anew = [layer for layer in engine.inspect(changed, "RootFS.Layers") if layer not in layers]
    if len(anew) != 1:
        raise Wrong(f"one line of the worker changed makes {len(anew)} layers anew, not its own alone")
    size, of_base = (engine.inspect(each, "Size") // 10**6 for each in (image, base))
    print(f"image: built in {seconds:.0f} s, with one line changed in {seconds_changed:.0f} s")
    print(f"image: {size} MB, of which the base has {of_base} MB", flush=True)
    return image


def _words(context: Path, base: str) -> list[str]:
    return ["--file", str(context / DOCKERFILE.name), "--build-arg", f"PYTHON_IMAGE={base}"]


def measure(engine: Engine, image: str) -> None:
    """Say how long a container takes to its first answer."""
    times = [_start(engine, image, _PORT + number) for number in range(STARTS)]
    whole, own = (statistics.median(column) for column in zip(*times, strict=True))
    print(
        f"image: first /hello {whole:.2f} s after `{engine.name} run`, "
        f"{own:.2f} s after its process began (median of {STARTS})",
        flush=True,
    )


def _start(engine: Engine, image: str, port: int) -> tuple[float, float]:
    """Seconds to the first answer from the engine's start, and from the process's."""
    name = f"ccconsole-ci-{os.getpid()}-{port}"
    words = ["run", "--detach", "--rm", "--name", name, "--network", "host", "--read-only", "--tmpfs", "/tmp"]
    words += ["--env", "HOST=127.0.0.1", "--env", f"PORT={port}", "--env", "WORKER_AGENT=shell", image]
    began = time.time()
    done = engine(*words)
    if done.returncode:
        raise Wrong(f"the image does not start: {last_line(done)}")
    try:
        while not _is_answered(f"http://127.0.0.1:{port}/hello"):
            if time.time() > began + _ANSWER_SECONDS:
                raise Wrong(f"/hello is not answered:\n{engine('logs', name).stdout[-2000:]}")
            time.sleep(0.005)
        answered = time.time()
        pid = engine("inspect", "--format", "{{.State.Pid}}", name).stdout.strip()
        return answered - began, answered - _started_at(pid)
    finally:
        engine("stop", name)


def _started_at(pid: str) -> float:
    """When a process of this machine began, seconds since the epoch; see proc(5). NaN: it is another's."""
    if not Path(f"/proc/{pid}/stat").exists():
        return math.nan
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    up = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def _is_answered(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def probe(engine: Engine, image: str) -> None:
    """The tests beside this file; raises Wrong when one fails."""
    env = os.environ | {"CCCONSOLE_ENGINE": engine.path, "CCCONSOLE_IMAGE": image}
    # Most of their time is the engine's own: podman stays 20 s behind a container that ends by itself.
    words = [sys.executable, "-m", "pytest", "tests/image", "-n", "4", "--dist", "load"]
    if run(*words, env=env, is_shown=True).returncode:
        raise Wrong("its tests failed")


def build_full(engine: Engine, base: str, node: str, work: Path) -> None:
    """The image with the Claude CLI, which says its version; raises Wrong when that is not the pinned one."""
    context, wanted = work / "context", argument("CLAUDE_VERSION")
    words = [*_words(context, base), "--build-arg", f"NODE_IMAGE={node}"]
    image, seconds = engine.build("full", context, *words)
    said = engine("run", "--rm", "--network", "host", "--entrypoint", "claude", image, "--version").stdout
    size = engine.inspect(image, "Size") // 10**6
    if said.split()[:1] != [wanted]:
        raise Wrong(f"its `claude --version` says {said.strip()!r}, not {wanted}")
    print(f"image: with the Claude CLI {size} MB, built in {seconds:.0f} s; claude --version: {said.strip()}")
