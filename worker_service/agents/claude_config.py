"""The CLI's own configuration file: seeded so that no dialog waits for nobody, read for a session's cost."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from worker_service.agents.claude_json import dict_of, float_of, int_of
from worker_service.wire import Usage

KEY_SUFFIX_CHARACTERS = 20
"""How much of an API key the CLI itself writes down when a person approves it."""
_LOCK_SECONDS = 1.0
_LOCK_POLL_SECONDS = 0.02


def config_path(env: Mapping[str, str]) -> Path:
    """Where the CLI with this environment keeps its configuration.

    Raises:
        ValueError: neither CLAUDE_CONFIG_DIR nor HOME is set.
    """
    folder = env.get("CLAUDE_CONFIG_DIR") or env.get("HOME")
    if not folder:
        raise ValueError(
            "interactive mode needs HOME or CLAUDE_CONFIG_DIR for the Claude CLI's configuration"
        )
    return Path(folder) / ".claude.json"


def seed(path: Path, workspace: Path, api_key: str | None) -> None:
    """Answer beforehand what the CLI would ask in a terminal: trust of the work folder, use of the key.

    A person's file keeps everything it says: only what is missing is added, a rejected key stays rejected,
    and theme and notices are left alone once the CLI has been set up. A symbolic link stays one.

    Raises:
        ValueError: the file cannot be read, understood or written; the text says which.
    """
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            config = _read(path)
            if _answer(config, str(workspace.resolve()), api_key):
                _write(path, config)
    except OSError as error:
        raise ValueError(
            f"the Claude CLI's configuration {path} cannot be written: {error.strerror}"
        ) from error


def session_usage(path: Path, workspace: Path, since: float) -> tuple[str | None, Usage | None]:
    """Id and usage of the session that ran in `workspace`, started at or after `since` (epoch seconds).

    The CLI writes them down when it exits gracefully; (None, None) when it did not.
    """
    try:
        project = dict_of(dict_of(_read(path), "projects"), str(workspace.resolve()))
    except (OSError, ValueError):
        return None, None
    if int_of(project, "lastStartTime") < since * 1000 or "lastCost" not in project:
        return None, None
    usage = Usage(
        input_tokens=int_of(project, "lastTotalInputTokens"),
        output_tokens=int_of(project, "lastTotalOutputTokens"),
        cache_read_tokens=int_of(project, "lastTotalCacheReadInputTokens"),
        cache_creation_tokens=int_of(project, "lastTotalCacheCreationInputTokens"),
        cost_usd=float_of(project, "lastCost"),
    )
    session_id = project.get("lastSessionId")
    return session_id if isinstance(session_id, str) else None, usage


def _answer(config: dict[str, Any], folder: str, api_key: str | None) -> bool:
    """Add the answers; whether anything changed."""
    before = json.dumps(config)
    if config.get("hasCompletedOnboarding") is not True:
        # Onboarding checks the real API's host and exits offline, so it must not start.
        config["hasCompletedOnboarding"] = True
        config.setdefault("theme", "dark")
        config.setdefault("hasSeenAutoDefaultNotice", True)
    if api_key:
        answers = _member(config, "customApiKeyResponses", {})
        approved, rejected = _member(answers, "approved", []), _member(answers, "rejected", [])
        suffix = api_key[-KEY_SUFFIX_CHARACTERS:]
        if suffix not in approved and suffix not in rejected:
            approved.append(suffix)
    _member(_member(config, "projects", {}), folder, {})["hasTrustDialogAccepted"] = True
    return json.dumps(config) != before


def _member(data: dict[str, Any], key: str, empty: Any) -> Any:
    value = data.setdefault(key, empty)
    if not isinstance(value, type(empty)):
        raise ValueError(f"the Claude CLI's configuration has an unexpected {key!r}: mend or remove it")
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the Claude CLI's configuration {path} is not JSON: mend or remove it") from error
    if not isinstance(config, dict):
        raise ValueError(f"the Claude CLI's configuration {path} is not a JSON object: mend or remove it")
    return config


def _write(path: Path, config: dict[str, Any]) -> None:
    # mkstemp makes it 0600, which the CLI uses too: the file may hold more than ours.
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2, ensure_ascii=False)
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The CLI's own lock, a folder beside the file, so that a session of the same user loses no change.

    The CLI holds it for milliseconds; one that stays is a dead process's, and is left alone.
    """
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + _LOCK_SECONDS
    is_ours = False
    while not is_ours and time.monotonic() < deadline:
        try:
            lock.mkdir()
            is_ours = True
        except FileExistsError:
            time.sleep(_LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        if is_ours:
            with suppress(FileNotFoundError):
                lock.rmdir()
