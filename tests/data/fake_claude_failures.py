"""The stand-in's failures, leftovers and volume in print mode, by the tag in the prompt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from fake_claude_duplex import Exited
from fake_claude_scenarios import echo, tool

if TYPE_CHECKING:
    from fake_claude_stream import Stream

API_ERRORS = {
    401: "authentication_failed",
    403: "forbidden",
    429: "rate_limit",
    500: "server_error",
    529: "overloaded",
}


def api_error(status: int, text: str = ""):
    def fail(stream: Stream, argument: str) -> dict | None:
        retries = 0 if status == 403 else 2
        if argument == "once":
            stream.retry(1, retries, status, API_ERRORS[status])
            echo(stream, "after a retry")
            return None
        for attempt in range(1, retries + 1):
            stream.retry(attempt, retries, status, API_ERRORS[status])
        said = text or f"API Error: {status} the stand-in fails"
        stream.text = said
        stream.message_id = "msg_synthetic"
        message = {**stream.message([{"type": "text", "text": said}], 0), "model": "<synthetic>"}
        message["usage"] = {"input_tokens": 0, "output_tokens": 0}
        stream.emit(
            type="assistant",
            message=message,
            parent_tool_use_id=None,
            is_api_error_message=True,
            error=API_ERRORS[status],
            api_error_status=status,
        )
        return dict(
            is_error=True,
            terminal_reason="api_error",
            api_error_status=status,
            num_turns=1,
            stop_reason="stop_sequence",
        )

    return fail


def nologin(stream: Stream, _: str) -> dict:
    fields = api_error(403, "Not logged in · Please run /login")(stream, "")
    return {**fields, "api_error_status": None}


def fallback(stream: Stream, _: str) -> None:
    """The stream breaks off; the whole message comes from a second, non-streaming request."""
    stream.begin()
    stream.event(type="content_block_start", index=0, content_block={"type": "text", "text": ""})
    stream.event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "The begin"})
    stream.event(type="content_block_stop", index=0)
    stream.event(type="message_stop")
    stream.text = "The beginning and the end."
    stream.whole({"type": "text", "text": stream.text})


def limited(subtype: str, reason: str):
    def stop(stream: Stream, _: str) -> dict:
        tool(stream, "")
        return dict(
            is_error=True,
            subtype=subtype,
            terminal_reason=reason,
            result=None,
            errors=[f"Reached the limit ({reason})"],
        )

    return stop


def crash(stream: Stream, argument: str) -> None:
    stream.begin()
    stream.event(type="content_block_start", index=0, content_block={"type": "text", "text": ""})
    stream.event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "I was about to"})
    print("panic: the stand-in has crashed", file=sys.stderr, flush=True)
    raise Exited(1)


def silent(stream: Stream, _: str) -> None:
    echo(stream, "and nothing more")
    raise Exited(0)


def kill(stream: Stream, _: str) -> None:
    stream.begin()
    os.kill(os.getpid(), signal.SIGKILL)


def stubborn(stream: Stream, _: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stream.begin()
    stream.say("I stay.")
    while True:
        time.sleep(60)


def orphan(stream: Stream, _: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stream.begin()
    stream.say(f"orphan pid {child.pid}")
    stream.end()


def env(stream: Stream, _: str) -> None:
    credentials = [
        name
        for name in (
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CLI_SESSION_TOKEN",
        )
        if os.environ.get(name)
    ]
    stream.begin()
    stream.say(f"credentials: {' '.join(credentials) or 'none'}\nnames: {' '.join(sorted(os.environ))}")
    stream.end()


def flood(stream: Stream, argument: str) -> None:
    megabytes = int(argument or 50)
    line = "".join(f"flood {n:06d} " for n in range(72)) + "\n"
    stream.begin()
    kind = {"type": "text", "text": ""}
    stream.event(type="content_block_start", index=0, content_block=kind)
    written = 0
    while written < megabytes * 1_000_000:
        delta = {"type": "text_delta", "text": line * 16}
        if stream.has_partials:
            stream.event(type="content_block_delta", index=0, delta=delta)
        else:
            stream.whole({"type": "text", "text": line * 16})
        written += len(line) * 16
    stream.text = "flooded"
    stream.event(type="content_block_stop", index=0)
    stream.whole({"type": "text", "text": "flooded"})
    stream.end()


FAILURES = {
    **{str(status): api_error(status) for status in API_ERRORS},
    "max-turns": limited("error_max_turns", "max_turns"),
    "budget": limited("error_max_budget_usd", "budget_exhausted"),
    **{s.__name__: s for s in (nologin, fallback, crash, silent, kill, stubborn, orphan, env, flood)},
}
