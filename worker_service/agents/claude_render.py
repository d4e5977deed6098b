"""The CLI's JSON stream as readable ANSI text, for every viewer of a headless or supervised task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from worker_service.agents import claude_tools as tools
from worker_service.agents.claude_blocks import StreamedBlocks
from worker_service.agents.claude_json import dict_of, dicts_of, float_of, int_of, text_of, texts_of
from worker_service.agents.claude_text import (
    BOLD,
    CYAN,
    DIM,
    GREEN,
    RED,
    YELLOW,
    Cleaner,
    clean,
    clean_line,
    counted,
    shorten,
    styled,
)
from worker_service.wire import Usage


class Renderer:
    """Turns stream objects into terminal text, which `take` hands over."""

    def __init__(self, columns: int, folder: str) -> None:
        """`columns` of the viewers' terminal; paths below `folder`, the work folder, are shown relative."""
        # Fewer leave no room for a call's indentation.
        self._columns = max(columns, 20)
        self._folder = folder
        self._parts: list[str] = []
        self._is_line_start = True
        self._streamed = StreamedBlocks()
        self._open_call: str | None = None
        """The tool call whose name alone stands on the current line."""
        self._calls: dict[str, str] = {}
        """The running tool calls' headers, by id."""
        self._last_call = ""
        self._last_text = ""
        self._cleaner = Cleaner()

    def take(self) -> bytes:
        """What was rendered since the last time, lines ended by CR LF."""
        text = "".join(self._parts)
        self._parts.clear()
        return text.replace("\n", "\r\n").encode("utf-8", "replace")

    def line(self, text: str, style: str = "") -> None:
        """One line of its own."""
        self._fresh_line()
        self._write((styled(text, style) if style else text) + "\n")

    def init(self, message: dict[str, Any]) -> None:
        """The run's first line: version, model, session, permission mode."""
        facts = (
            f"claude {text_of(message, 'claude_code_version')}".strip(),
            text_of(message, "model"),
            f"session {text_of(message, 'session_id')[:8]}",
            f"permissions {text_of(message, 'permissionMode')}",
        )
        self.line(shorten(clean_line(" · ".join(facts)), self._columns), DIM)

    def stream_event(self, event: dict[str, Any]) -> None:
        """A raw API event: text as it comes, and a tool's name as soon as it is known."""
        match event.get("type"):
            case "message_start":
                self._streamed.clear()
            case "content_block_start":
                self._start_block(dict_of(event, "content_block"))
            case "content_block_delta":
                delta = dict_of(event, "delta")
                kind = text_of(delta, "type").removesuffix("_delta")
                if kind in ("text", "thinking"):
                    self._stream(kind, text_of(delta, kind))

    def assistant(self, message: dict[str, Any], *, is_nested: bool, is_error: bool) -> None:
        """A whole message of the model: what was streamed already is not shown twice."""
        for block in dicts_of(message, "content"):
            kind = text_of(block, "type")
            match kind:
                case "text" | "thinking":
                    self._block(kind, text_of(block, kind), is_nested, is_error)
                case "tool_use" | "server_tool_use" | "mcp_tool_use":
                    self._call(block, is_nested)

    def user(self, message: dict[str, Any], *, is_nested: bool) -> None:
        """Tool results, and notes that the CLI writes in the user's name."""
        for block in dicts_of(message, "content"):
            match block.get("type"):
                case "tool_result":
                    self._result(block, is_nested)
                case "text" if not is_nested:
                    self.line(shorten(clean_line(text_of(block, "text")), self._columns), DIM)

    def retry(self, message: dict[str, Any]) -> None:
        """An API call that failed and will be tried again."""
        status = int_of(message, "error_status")
        reason = clean_line(text_of(message, "error")) or "connection failed"
        attempt = f"{int_of(message, 'attempt')}/{int_of(message, 'max_retries')}"
        delay = int_of(message, "retry_delay_ms") / 1000
        code = f"{status} " if status else ""
        self.line(f"⟳ API {code}{reason}: retry {attempt} in {delay:.1f} s", DIM)

    def permission(self, name: str, tool_input: dict[str, Any], description: str | None) -> None:
        """A tool that waits for an operator."""
        about = tools.arguments(name, tool_input, self._folder) or clean_line(description or "")
        self.line(shorten(f"? {clean_line(name)}({about}) waits for permission", self._columns), YELLOW)

    def result(self, result: dict[str, Any], outcome: str, usage: Usage, *, is_success: bool) -> None:
        """The last lines: what went wrong, what was denied, and the run in numbers."""
        said = clean(text_of(result, "result")).strip()
        if said and said != self._last_text.strip():
            self.line(said, "" if is_success else RED)
        for error in texts_of(result, "errors"):
            if not error.startswith("[ede_diagnostic]"):
                self.line(clean(error), RED)
        denials = dicts_of(result, "permission_denials")
        if denials:
            self.line(f"! {counted(len(denials), 'permission')} denied:", YELLOW)
        for denial in denials:
            name, tool_input = clean_line(text_of(denial, "tool_name")), dict_of(denial, "tool_input")
            about = tools.arguments(name, tool_input, self._folder)
            self.line(shorten(f"  {name}({about})", self._columns), YELLOW)
        mark, style = ("✓", GREEN) if is_success else ("✗", RED)
        seconds = (float_of(result, "duration_ms") or 0.0) / 1000
        self._fresh_line()
        self._write(styled(f"{mark} {outcome}", style))
        self._write(styled("".join(f" · {part}" for part in _figures(seconds, usage)), DIM) + "\n")

    def close(self) -> None:
        """End the last line."""
        self._fresh_line()

    def _start_block(self, block: dict[str, Any]) -> None:
        kind = text_of(block, "type")
        if kind in ("text", "thinking"):
            self._fresh_line()
            self._streamed.begin(kind)
            self._stream(kind, text_of(block, kind))
        elif kind == "tool_use":
            # Its input may take a minute to arrive: the operator should see what is being prepared.
            self._head(clean_line(text_of(block, "name")), "")
            self._open_call = text_of(block, "id")

    def _stream(self, kind: str, text: str) -> None:
        if text:
            self._say(kind, text, is_first=self._streamed.add(kind, text))

    def _block(self, kind: str, text: str, is_nested: bool, is_error: bool) -> None:
        if is_nested:
            self._indented([styled(shorten(clean_line(text), self._columns - 2), DIM)], "  ")
            return
        length = self._streamed.settle(kind, text)
        if kind == "text":
            self._last_text = clean(text)
        if is_error:
            self.line(clean(text).strip(), RED)
        elif text[length:]:
            if not length:
                self._fresh_line()
            self._say(kind, text[length:], is_first=not length)
            self._write(self._cleaner.close())

    def _say(self, kind: str, text: str, *, is_first: bool) -> None:
        text = self._cleaner.feed(text)
        if kind == "thinking":
            self._write(styled(("✻ " if is_first else "") + text, DIM))
        else:
            self._write(text)

    def _call(self, block: dict[str, Any], is_nested: bool) -> None:
        name, tool_input = clean_line(text_of(block, "name")), dict_of(block, "input")
        about = tools.arguments(name, tool_input, self._folder)
        indent = "  " if is_nested else ""
        room = self._columns - len(indent) - len(name) - 4
        about = f"({shorten(about, max(room, 8))})" if about else ""
        self._last_call = text_of(block, "id")
        self._calls[self._last_call] = shorten(name + about, self._columns - 8)
        if self._open_call is not None and self._open_call == text_of(block, "id"):
            self._write(about)
            self._open_call = None
        else:
            self._head(name, about, indent)
        self._write("\n")
        self._indented(tools.preview(name, tool_input, self._columns - 5 - len(indent)), indent + "     ")

    def _result(self, block: dict[str, Any], is_nested: bool) -> None:
        call = text_of(block, "tool_use_id")
        header = self._calls.pop(call, "")
        lines = tools.result(block, self._columns - (8 if is_nested else 5))
        # Calls that run side by side: a result that does not follow its call says whose it is.
        named = [header] if header and call != self._last_call else []
        self._indented([*named, *lines], "    ⎿ " if is_nested else "  ⎿  ")

    def _head(self, name: str, about: str, indent: str = "") -> None:
        self._fresh_line()
        self._write(f"{indent}{styled('●', CYAN)} {styled(name, BOLD)}{about}")

    def _indented(self, lines: Iterable[str], first: str) -> None:
        prefix = first
        for line in lines:
            self.line(prefix + line)
            prefix = " " * len(first)

    def _fresh_line(self) -> None:
        self._open_call = None
        self._write(self._cleaner.close())
        if not self._is_line_start:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            self._parts.append(text)
            # A style's reset may follow the newline.
            self._is_line_start = clean(text[-8:]).endswith("\n")


def _figures(seconds: float, usage: Usage) -> Sequence[str]:
    figures = [f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"]
    if usage.turns:
        figures.append(counted(usage.turns, "turn"))
    if usage.cost_usd is not None:
        figures.append(f"${usage.cost_usd:.4f}" if usage.cost_usd < 1 else f"${usage.cost_usd:.2f}")
    cached = usage.cache_read_tokens + usage.cache_creation_tokens
    tokens = f"{usage.input_tokens:,} in" + (f" + {cached:,} cached" if cached else "")
    figures.append(f"{tokens} / {usage.output_tokens:,} out")
    return figures
