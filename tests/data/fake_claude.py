#!/usr/bin/env python3
"""A stand-in for the Claude CLI 2.1.330: its arguments, streams, exit codes, signals and dialogs, no network.

Run it in place or through a symbolic link (its parts are the files beside it); Python's standard library is
all it needs. What it does is chosen by a tag in the prompt, for example "please [tool]", or by the variable
FAKE_CLAUDE=tool (which a worker's allow-list keeps out). Without a tag it streams the prompt back.
FAKE_CLAUDE_SEED makes session ids and the order of JSON keys repeatable.

  answers    [echo] (default)  [long] 300 lines  [thinking]  [unicode] U+2028, wide, combining, a 27 KB line
  slow       [slow N] N words, 20 a second (default 400)  [hang] no output at all  [lingers] stays after result
  tools      [tool] Bash  [edit] Edit, Write, TodoWrite  [subagent]  [hostile] results full of escape sequences
  permission [permission] asks before a Write (supervised: waits; headless: denied, and gives up)
             [permissions] asks twice  [recovered] is denied, then succeeds with another tool
  failures   [401] [403] [429] [500] [529] by the API, with retries  [529 once] then well  [nologin]
             [max-turns]  [budget]  [crash] exit 1 without a result  [silent] exit 0 without a result
             [kill] dies of SIGKILL  [stubborn] ignores SIGINT and SIGTERM  [fallback] stream breaks off
  processes  [orphan] leaves a child in its own session, whose pid it prints  [env] prints its variables' names
             and whether a credential is visible
  volume     [flood N] N MB of text (default 50)  [bytes] writes one byte at a time  [junk] lines not JSON

Costs are $0.001 a turn and 100 / 20 tokens; `total_cost_usd` is cumulative over --resume (kept below HOME),
`model_usage_since_last_result` is not. SIGINT: aborted result and exit 0; SIGTERM: 143 and no result; SIGHUP:
129. In duplex mode an interrupt ends the turn with a result and exit 1. Interactive: see fake_claude_ui.py.
Unlike the real one it answers without any credential; [nologin] is what the real one does then.
"""

from __future__ import annotations

import json
import os
import re
import sys

VERSION = "2.1.330"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

VALUES = {
    "--output-format",
    "--input-format",
    "--model",
    "--max-turns",
    "--max-budget-usd",
    "--permission-mode",
    "--resume",
    "--session-id",
    "--permission-prompt-tool",
    "--permission-prompts",
    "--append-system-prompt",
    "--settings",
    "--setting-sources",
    "--fallback-model",
    "--json-schema",
}
VARIADIC = {"--allowedTools", "--disallowedTools", "--tools", "--mcp-config", "--add-dir"}
FLAGS = {
    "-p",
    "--print",
    "--verbose",
    "--include-partial-messages",
    "--version",
    "--bare",
    "--fork-session",
    "--dangerously-skip-permissions",
    "--no-session-persistence",
    "--strict-mcp-config",
    "--restricted",
    "--safe-mode",
    "--ax-screen-reader",
}


class UsageError(Exception):
    """What the real CLI says on stderr before it exits with 1."""


def parse(argv: list[str]) -> tuple[dict[str, object], list[str]]:
    """Options (variadic ones as lists) and positional arguments, as commander reads them."""
    options: dict[str, object] = {}
    positional: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return options, positional + rest
        if not word.startswith("-") or word == "-":
            positional.append(word)
            continue
        name, has_value, value = word.partition("=")
        if name in FLAGS and not has_value:
            options["-p" if name == "--print" else name] = True
        elif name in VALUES:
            if not has_value:
                if not rest:
                    raise UsageError(f"error: option '{name} <value>' argument missing")
                value = rest.pop(0)
            options[name] = value
        elif name in VARIADIC:
            values = [value] if has_value else []
            while not has_value and rest and not rest[0].startswith("-"):
                values.append(rest.pop(0))
            options.setdefault(name, []).extend(values)  # type: ignore[attr-defined]
        else:
            raise UsageError(f"error: unknown option '{name}'")
    return options, positional


def check(options: dict[str, object]) -> None:
    """The combinations that the real CLI refuses."""
    prints = "-p" in options
    streams = options.get("--output-format") == "stream-json"
    if prints and streams and "--verbose" not in options:
        raise UsageError("Error: When using --print, --output-format=stream-json requires --verbose")
    if options.get("--input-format") == "stream-json":
        if not streams:
            raise UsageError("Error: --input-format=stream-json requires output-format=stream-json.")
        if sys.stdin.isatty():
            raise UsageError("Error: --input-format=stream-json needs a pipe on stdin")
    bypasses = "--dangerously-skip-permissions" in options
    if bypasses or options.get("--permission-mode") == "bypassPermissions":
        if os.getuid() == 0 and not os.environ.get("IS_SANDBOX"):
            raise UsageError(
                "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons"
            )


def credential_source() -> str:
    """What `init` calls the credential: OAuth and bearer tokens count as none there."""
    return "ANTHROPIC_API_KEY" if os.environ.get("ANTHROPIC_API_KEY") else "none"


def auth_status() -> int:
    """`claude auth status`: JSON, 0 when a credential is present."""
    method = "none"
    if os.environ.get("CLAUDE_CODE_OAUTH_TOKEN"):
        method = "oauth_token"
    if os.environ.get("ANTHROPIC_API_KEY"):
        method = "api_key"
    print(json.dumps({"loggedIn": method != "none", "authMethod": method}))
    return 0 if method != "none" else 1


def main() -> int:
    argv = sys.argv[1:]
    if argv[:2] == ["auth", "status"]:
        return auth_status()
    try:
        options, positional = parse(argv)
        if "--version" in options:
            print(f"{VERSION} (Claude Code)")
            return 0
        check(options)
        prompt = positional[0] if positional else ""
        if "-p" in options:
            import fake_claude_stream

            return fake_claude_stream.run(options, prompt)
        if not sys.stdin.isatty():
            raise UsageError("Error: Input must be provided either through stdin or as a prompt argument")
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    import fake_claude_ui

    return fake_claude_ui.run(options, prompt)


if __name__ == "__main__":
    sys.exit(main())
