"""Reads a headless or supervised run of the CLI: its JSON lines in, what viewers see and its verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from worker_service.agents.base import (
    Emission,
    Exit,
    Message,
    Output,
    Permission,
    PermissionWithdrawn,
    TurnEnded,
    UsageReport,
    Verdict,
)
from worker_service.agents.claude_json import (
    MAX_LINE_BYTES,
    Lines,
    dict_of,
    dicts_of,
    int_of,
    parse,
    plain,
    text_of,
)
from worker_service.agents.claude_outcome import denied_ids, judge, outcome, unfinished
from worker_service.agents.claude_permissions import Permissions
from worker_service.agents.claude_render import Renderer
from worker_service.agents.claude_text import DIM, GREEN, RED, YELLOW, clean, clean_line, size
from worker_service.agents.claude_usage import Meter
from worker_service.wire import Usage

LAST_WORDS = 3
"""Plain lines kept for the verdict of a run without a result: a bad option's message, a crash."""


class StreamReader:
    """A base.Reader of stream-json."""

    def __init__(self, renderer: Renderer, *, is_supervised: bool, is_resumed: bool) -> None:
        self._renderer = renderer
        self._is_supervised = is_supervised
        self._lines = Lines()
        self._meter = Meter(is_resumed=is_resumed)
        self._permissions = Permissions()
        self._emissions: list[Emission] = []
        self._session_id: str | None = None
        self._verdict: Verdict | None = None
        self._last_tool = ("", "")
        """Id and name of the tool call whose result came last."""
        self._tool_names: dict[str, str] = {}
        self._last_words: list[str] = []

    @property
    def session_id(self) -> str | None:
        """As the CLI's first message tells it."""
        return self._session_id

    def feed(self, data: bytes) -> Sequence[Emission]:
        """What these bytes mean, in order: rendered output, and one Message for each whole object."""
        for line in self._lines.feed(data):
            self._line(line)
        return self._take()

    def close(self) -> Sequence[Emission]:
        """What a last line without a newline means, and a word on a run that has none of its own."""
        self._line(self._lines.close())
        if self._verdict is None:
            self._renderer.line("✗ ended without a result", RED)
        self._renderer.close()
        return self._take()

    def interrupt(self) -> bytes | None:
        """The duplex protocol's interrupt; None in headless mode, whose stdin is closed: SIGINT does it."""
        return self._permissions.interrupt() if self._is_supervised else None

    def answer(self, permission_id: str, behavior: str, message: str | None) -> bytes | None:
        """The line that answers a permission; its rendered note comes with the next bytes that are fed."""
        answered = self._permissions.answered(permission_id, behavior, message)
        if answered is None:
            return None
        permission, line = answered
        name = clean_line(permission.tool)
        if behavior == "deny":
            self._renderer.line(f"✗ {name} denied" + (f": {clean_line(message)}" if message else ""), RED)
        elif behavior == "allow_session" and permission.suggestions:
            self._renderer.line(f"✓ {name} allowed for this session", GREEN)
        else:
            self._renderer.line(f"✓ {name} allowed once", GREEN)
        return line

    def verdict(self, exit: Exit) -> Verdict:
        """The last result line's judgement; without one the run is incomplete, whatever the exit code."""
        if self._verdict is not None:
            return self._verdict
        return unfinished(exit, self._session_id, self._meter.total(), " ".join(self._last_words))

    def _take(self) -> Sequence[Emission]:
        self._flush()
        emissions, self._emissions = self._emissions, []
        return emissions

    def _flush(self) -> None:
        if data := self._renderer.take():
            self._emissions.append(Output(data))

    def _emit(self, emission: Emission) -> None:
        self._flush()
        self._emissions.append(emission)

    def _line(self, line: bytes | None) -> None:
        if line is None:
            self._renderer.line(f"[a line of more than {size(MAX_LINE_BYTES)} was dropped]", RED)
            return
        message = parse(line)
        if message is not None:
            self._message(message)
            return
        text = clean(line.decode("utf-8", "replace")).strip()
        if text:
            self._last_words = [*self._last_words, text[:500]][-LAST_WORDS:]
            self._renderer.line(text)

    def _message(self, message: dict[str, Any]) -> None:
        self._session_id = text_of(message, "session_id") or self._session_id
        is_nested = bool(text_of(message, "parent_tool_use_id"))
        match message.get("type"):
            # Not kept as Message: token by token they double the stream, and the output shows them.
            case "stream_event" if not is_nested:
                self._renderer.stream_event(dict_of(message, "event"))
                self._report(self._meter.stream_event(dict_of(message, "event")))
            case "system":
                self._system(message)
            case "assistant":
                self._emit(Message(plain(message)))
                self._assistant(message, is_nested)
            case "user":
                self._emit(Message(plain(message)))
                self._user(message, is_nested)
            case "control_request":
                self._ask(message)
            case "control_cancel_request":
                if permission := self._permissions.withdrawn(message):
                    self._renderer.line(f"? {clean_line(permission.tool)} no longer waits", DIM)
                    self._emit(PermissionWithdrawn(permission.permission_id))
            case "result":
                self._emit(Message(plain(message)))
                self._result(message)
            case "stream_event" | "control_response" | "keep_alive":
                pass
            case _:
                self._emit(Message(plain(message)))

    def _system(self, message: dict[str, Any]) -> None:
        subtype = message.get("subtype")
        # One per thinking token, and a heartbeat before each request: noise like the partial events.
        if subtype == "thinking_tokens" or (subtype == "status" and message.get("status") == "requesting"):
            return
        self._emit(Message(plain(message)))
        match subtype:
            case "init":
                self._renderer.init(message)
            case "api_retry":
                self._renderer.retry(message)
            case "permission_denied":
                self._renderer.line(f"! {clean_line(text_of(message, 'tool_name'))} denied", YELLOW)
            case "compact_boundary":
                self._renderer.line("the conversation was compacted", DIM)
            case "status" if text_of(message, "permissionMode"):
                self._renderer.line(f"permissions {clean_line(text_of(message, 'permissionMode'))}", DIM)

    def _assistant(self, message: dict[str, Any], is_nested: bool) -> None:
        inner = dict_of(message, "message")
        for block in dicts_of(inner, "content"):
            if block.get("type") == "tool_use":
                self._tool_names[text_of(block, "id")] = text_of(block, "name")
        is_error = message.get("is_api_error_message") is True
        self._renderer.assistant(inner, is_nested=is_nested, is_error=is_error)
        self._report(self._meter.assistant(inner))

    def _user(self, message: dict[str, Any], is_nested: bool) -> None:
        inner = dict_of(message, "message")
        for block in dicts_of(inner, "content"):
            if block.get("type") == "tool_result":
                tool_id = text_of(block, "tool_use_id")
                self._last_tool = tool_id, self._tool_names.pop(tool_id, "a tool")
        self._renderer.user(inner, is_nested=is_nested)

    def _ask(self, message: dict[str, Any]) -> None:
        permission: Permission | None = self._permissions.asked(message)
        if permission is not None:
            self._renderer.permission(permission.tool, permission.input, permission.description)
            self._emit(permission)

    def _result(self, message: dict[str, Any]) -> None:
        usage = self._meter.result(message)
        last_id, last_name = self._last_tool
        # In supervised mode an operator said no, which is no failure of the run.
        has_given_up = not self._is_supervised and bool(last_id) and last_id in denied_ids(message)
        self._verdict = judge(message, clean_line(last_name) if has_given_up else None, usage)
        self._renderer.result(message, outcome(self._verdict), usage, is_success=self._verdict.is_success)
        self._report(usage)
        if int_of(message, "queued_turn_count") == 0:
            self._emit(TurnEnded())

    def _report(self, usage: Usage | None) -> None:
        if usage is not None:
            self._emit(UsageReport(usage))
