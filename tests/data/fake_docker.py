"""A container engine for tests: writes down how it was called, says what the real one says, or fails."""

import json
import os
import sys
from pathlib import Path

DIGEST = "sha256:" + "ab" * 32


def main():
    given = sys.stdin.read() if "--password-stdin" in sys.argv else ""
    config = os.environ.get("DOCKER_CONFIG")
    with Path(os.environ["FAKE_DOCKER_CALLS"]).open("a") as file:
        file.write(json.dumps({"argv": sys.argv[1:], "stdin": given, "config": config}) + "\n")
    verb = sys.argv[1]
    if verb == os.environ.get("FAKE_DOCKER_FAILS"):
        print(f"{verb}: no space left on device", file=sys.stderr)
        return 1
    if verb == "build":
        print("#1 [internal] load build definition", file=sys.stderr)
    if verb == "push":
        print(f"latest: digest: {DIGEST} size: 1234")
    return 0


if __name__ == "__main__":
    sys.exit(main())
