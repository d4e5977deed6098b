"""What a .dockerignore leaves out of an image's context: https://docs.docker.com/build/concepts/context/#dockerignore-files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path, PurePath

NAME = ".dockerignore"


def read(folder: Path) -> Callable[[PurePath], bool]:
    """Whether a path, relative to the folder, is left out; none is where there is no such file."""
    path = folder / NAME
    rules = parsed(path.read_text("utf-8")) if path.is_file() else []
    return lambda inner: _is_ignored(inner, rules)


def parsed(text: str) -> list[tuple[re.Pattern[str], bool]]:
    """Each line's pattern, and whether it leaves out what it matches or, with `!`, takes it in again."""
    rules = []
    for line in text.splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            is_exception = pattern.startswith("!")
            clean = posixpath.normpath(pattern.removeprefix("!").strip()).lstrip("/")
            rules.append((re.compile(_translated(clean)), not is_exception))
    return rules


def _is_ignored(inner: PurePath, rules: list[tuple[re.Pattern[str], bool]]) -> bool:
    """The last rule that matches the path or a folder above it decides."""
    parts = inner.parts
    names = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for pattern, is_ignored in reversed(rules):
        if any(pattern.fullmatch(name) for name in names):
            return is_ignored
    return False


def _translated(pattern: str) -> str:
    """The pattern as a regular expression: `*` and `?` within a name, `**` over any number of folders."""
    found = ""
    for part in re.findall(r"\*\*/?|\*|\?|\[[^]]+\]|\\?.", pattern):
        if part.startswith("**"):
            found += "(?:.*/)?" if part.endswith("/") else ".*"
        elif part in ("*", "?"):
            found += "[^/]" + ("*" if part == "*" else "")
        elif part.startswith("["):
            found += part
        else:
            found += re.escape(part[-1])
    return found
