"""A container engine for tests: writes down how it was called, says what the real one says, or fails.

Its containers are processes that run container.py, out of reach of the client that started them.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

DIGEST = "sha256:" + "ab" * 32
VALUED = ("--env", "--name", "--label", "--pull", "--log-driver", "--tmpfs", "--cap-drop", "--security-opt")
VALUED += ("--memory", "--cpus", "--network", "--publish", "--volume", "--user", "--userns", "--entrypoint")


def options(words):
    """The options that have a value, each as often as it is given, and the words after them."""
    found = {}
    while words and words[0].startswith("--"):
        name = words.pop(0)
        found.setdefault(name, []).append(words.pop(0) if name in VALUED else "")
    return found, words


def folder():
    """Where a container's pid lies under its name, while there is one."""
    return Path(os.environ["FAKE_DOCKER_CALLS"]).parent / "containers"


def run(words):
    given, _ = options(words)
    names = [item.partition("=") for item in given["--env"]]
    env = {name: value if equals else os.environ[name] for name, equals, value in names}
    script = Path(__file__).with_name("container.py")
    started = subprocess.Popen([sys.executable, "-S", str(script)], env=env, start_new_session=True)
    place = folder() / given["--name"][0]
    place.parent.mkdir(exist_ok=True)
    place.write_text(str(started.pid))
    signal.signal(signal.SIGTERM, lambda *_: started.terminate())
    code = started.wait()
    place.unlink(missing_ok=True)
    return code if code >= 0 else 128 - code


def remove(words):
    for name in words:
        place = folder() / name
        if place.exists():
            pid = int(place.read_text())
            place.unlink()  # before the client does so, which ends with its container
            os.kill(pid, signal.SIGKILL)


def main():
    given = sys.stdin.read() if "--password-stdin" in sys.argv else ""
    config = os.environ.get("DOCKER_CONFIG")
    with Path(os.environ["FAKE_DOCKER_CALLS"]).open("a") as file:
        file.write(json.dumps({"argv": sys.argv[1:], "stdin": given, "config": config}) + "\n")
    verb, *words = sys.argv[1:]
    if verb == os.environ.get("FAKE_DOCKER_FAILS"):
        print(f"{verb}: no space left on device", file=sys.stderr)
        return 1
    if verb == "build":
        print("#1 [internal] load build definition", file=sys.stderr)
    if verb == "push":
        print(f"latest: digest: {DIGEST} size: 1234")
    if verb == "image":
        print("10001:10001")
    if verb == "run":
        return run(words)
    if verb == "rm":
        remove(options(words)[1])
    if verb == "ps" and folder().is_dir():
        print(*(path.name for path in folder().iterdir()), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
