"""The Claude CLI's command line and environment for each mode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from worker_service.wire import RunRequest

Credential = Literal["auto", "api-key", "oauth"]
"""What the worker's settings may ask for; "auto" takes the API key first, as the CLI itself does."""
CredentialKind = Literal["api-key", "oauth", "login"]

MAX_ARGUMENT_BYTES = 131_071
"""The kernel's MAX_ARG_STRLEN (32 pages) without its terminating NUL."""
MAX_RETRIES = "4"
"""A bad key, which the CLI retries too, then fails after 9 s (measured); the CLI's own 10 take 178 s."""

_QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
}
_PASSED = ("ANTHROPIC_BASE_URL", "CLAUDE_CODE_MAX_RETRIES", "CLAUDE_CONFIG_DIR")
_API_KEY = "ANTHROPIC_API_KEY"
_OAUTH = "CLAUDE_CODE_OAUTH_TOKEN"
_OAUTH_NAMES = (_OAUTH, "CLAUDE_CLI_SESSION_TOKEN")

_PRINT = ("-p", "--output-format=stream-json", "--verbose", "--include-partial-messages")
_DUPLEX = ("--input-format=stream-json", "--permission-prompt-tool=stdio")


def headless(request: RunRequest) -> list[str]:
    """The arguments of a run to its end; the prompt comes on stdin."""
    return [*_PRINT, *_limits(request), *_flags(request)]


def supervised(request: RunRequest) -> list[str]:
    """The arguments of a duplex run; the prompt comes as a stream-json line."""
    return [*_PRINT, *_DUPLEX, *_limits(request), *_flags(request)]


def interactive(request: RunRequest, session_id: str) -> list[str]:
    """The arguments of the terminal UI, whose new conversation gets that id; the prompt after `--`.

    Raises:
        ValueError: a limit that the CLI knows in print mode alone, or a prompt too long for an argument.
    """
    for name, value in (("maxTurns", request.max_turns), ("maxBudgetUsd", request.max_budget_usd)):
        if value is not None:
            raise ValueError(f"{name} works in headless and supervised mode only")
    size = len(request.prompt.encode())
    if size > MAX_ARGUMENT_BYTES:
        raise ValueError(
            f"the prompt has {size:,} bytes; interactive mode takes {MAX_ARGUMENT_BYTES:,}, headless 1 MiB"
        )
    if "\0" in request.prompt:
        raise ValueError("interactive mode takes no NUL character in the prompt")
    session = [] if request.resume else [f"--session-id={session_id}"]
    return [*session, *_flags(request), "--", request.prompt]


def credential(environ: Mapping[str, str], wanted: Credential) -> CredentialKind | None:
    """The kind that will be used; None when the one that is wanted is not set."""
    has_key = bool(_secret(environ, _API_KEY))
    has_oauth = any(_secret(environ, name) for name in _OAUTH_NAMES)
    match wanted:
        case "api-key":
            return "api-key" if has_key else None
        case "oauth":
            return "oauth" if has_oauth else None
        case "auto":
            return "api-key" if has_key else "oauth" if has_oauth else "login"


def environment(environ: Mapping[str, str], kind: CredentialKind, home: Path | None) -> dict[str, str]:
    """The variables the CLI gets beside the executor's own: quiet, with exactly the one credential.

    CLAUDE_CLI_SESSION_TOKEN, the deployment guide's name, means nothing to the CLI: it goes on as
    CLAUDE_CODE_OAUTH_TOKEN. "login" passes none: the CLI's stored login in HOME serves.
    """
    env = {**_QUIET, "CLAUDE_CODE_MAX_RETRIES": MAX_RETRIES}
    env |= {name: environ[name] for name in _PASSED if environ.get(name)}
    folder = str(home) if home is not None else environ.get("HOME")
    if folder:
        env["HOME"] = folder
    if kind == "api-key":
        env[_API_KEY] = _secret(environ, _API_KEY)
    elif kind == "oauth":
        env[_OAUTH] = next(secret for name in _OAUTH_NAMES if (secret := _secret(environ, name)))
    return env


def _secret(environ: Mapping[str, str], name: str) -> str:
    # A newline at its end, as `echo` puts it into a secret store, is refused as an HTTP header.
    return environ.get(name, "").strip()


def _limits(request: RunRequest) -> list[str]:
    flags = []
    if request.max_turns is not None:
        flags.append(f"--max-turns={request.max_turns}")
    if request.max_budget_usd is not None:
        flags.append(f"--max-budget-usd={request.max_budget_usd}")
    return flags


def _flags(request: RunRequest) -> list[str]:
    # `--name=value` throughout: a value that begins with "-" stays a value, and a variadic flag takes
    # nothing of what follows it.
    flags = []
    if request.model:
        flags.append(f"--model={request.model}")
    if request.permission_mode:
        flags.append(f"--permission-mode={request.permission_mode}")
    if request.resume:
        flags.append(f"--resume={request.resume}")
    return flags + [f"--allowedTools={tool}" for tool in request.allowed_tools or () if tool.strip()]
