"""The stand-in's print mode: text, json and stream-json out, prompt or duplex lines in."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

import fake_claude
import fake_claude_scenarios as scenarios
from fake_claude_duplex import Duplex, Exited, Interrupted

MODEL = "claude-standin-5"
TURN_COST = 0.001
INPUT_TOKENS, OUTPUT_TOKENS = 100, 20
STDIN_PATIENCE = 3.0


def run(options: dict, prompt: str) -> int:
    stream = Stream(options)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    signal.signal(signal.SIGHUP, lambda *_: os._exit(129))
    signal.signal(signal.SIGINT, stream.on_sigint)
    code = 0
    try:
        if stream.is_duplex:
            while (message := stream.next_line()) is not None:
                if message.get("type") == "user":
                    code = stream.turn(content_text(message["message"]["content"]))
        else:
            prompt = "\n".join(part for part in (prompt, read_stdin(bool(prompt))) if part)
            if not prompt.strip():
                message = "Input must be provided either through stdin or as a prompt argument"
                print(f"Error: {message} when using --print", file=sys.stderr)
                return 1
            code = stream.turn(prompt)
    except Exited as exited:
        code = exited.code
    if os.isatty(1):
        os.write(1, b"\x1b[?25h")
    return code


def content_text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)  # type: ignore[attr-defined]


def read_stdin(has_prompt: bool) -> str:
    if os.isatty(0):
        return ""
    if has_prompt and not select.select([0], [], [], STDIN_PATIENCE)[0]:
        print("Warning: no stdin data received in 3s, proceeding without it.", file=sys.stderr)
        return ""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


class Stream(Duplex):
    """One process in print mode; `emit` writes one JSON line where the format is stream-json."""

    def __init__(self, options: dict) -> None:
        seed = os.environ.get("FAKE_CLAUDE_SEED")
        self.random = random.Random(seed or "1")
        ids = random.Random(seed) if seed else random.SystemRandom()
        self.options = options
        self.format = options.get("--output-format", "text")
        self.is_duplex = options.get("--input-format") == "stream-json"
        self.has_partials = "--include-partial-messages" in options
        self.asks = options.get("--permission-prompt-tool") == "stdio"
        self.writes_bytes = False
        self.ids = ids
        self.session_id = str(options.get("--session-id") or self.uuid())
        self.total_cost = 0.0
        self.is_in_turn = False
        self.has_init = False
        super().__init__()

    def uuid(self) -> str:
        digits = f"{self.ids.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    # --- one turn

    def turn(self, prompt: str) -> int:
        self.turns = 0
        self.text = ""
        self.denials: list[dict] = []
        self.started = time.monotonic()
        self.is_in_turn = True
        if not self.resume():
            self.is_in_turn = False
            return 1
        self.init()
        try:
            fields = scenarios.play(self, prompt)
            code = 1 if fields.get("is_error") else 0
        except Interrupted:
            where = "aborted_tools" if self.is_in_tool else "aborted_streaming"
            fields = dict(
                is_error=True,
                subtype="error_during_execution",
                terminal_reason=where,
                errors=["[ede_diagnostic] result_type=user last_content_type=n/a"],
            )
            if self.format == "text":
                self.text = "Execution error"
            code = 1 if self.is_duplex else 0
        self.is_in_turn = False
        self.result(fields)
        return code

    def resume(self) -> bool:
        wanted = self.options.pop("--resume", None)
        if wanted is None:
            return True
        path = self.session_file(str(wanted))
        if fake_claude.UUID.match(str(wanted)) and path is not None and path.exists():
            self.session_id = str(wanted)
            self.total_cost = json.loads(path.read_text().splitlines()[-1])["total_cost_usd"]
            return True
        error = f'--resume requires a valid session ID. Provided value "{wanted}" does not match any session.'
        print(f"Error: {error}", file=sys.stderr)
        self.emit(
            type="result",
            subtype="error_during_execution",
            is_error=True,
            num_turns=0,
            total_cost_usd=0,
            usage={},
            modelUsage={},
            permission_denials=[],
            errors=[error],
        )
        return False

    def session_file(self, session_id: str) -> Path | None:
        home = os.environ.get("CLAUDE_CONFIG_DIR") or os.environ.get("HOME")
        if not home:
            return None
        projects = Path(home) / ".claude" / "projects"  # any folder there will do, as with the real one
        return next(projects.glob(f"*/{session_id}.jsonl"), projects / "fake" / f"{session_id}.jsonl")

    def save(self) -> None:
        path = self.session_file(self.session_id)
        if path is None or "--no-session-persistence" in self.options:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(json.dumps({"total_cost_usd": self.total_cost}) + "\n")
        except OSError:
            pass  # an unwritable HOME is fine for the real one too

    # --- out

    def emit(self, **fields: object) -> None:
        if self.format != "stream-json":
            return
        if fields.get("type") not in ("control_request", "control_response", "control_cancel_request"):
            fields.setdefault("session_id", self.session_id)
            fields.setdefault("uuid", self.uuid())
        keys = list(fields)
        self.random.shuffle(keys)  # the real one's order is not stable either
        line = json.dumps({key: fields[key] for key in keys}, ensure_ascii=False, separators=(",", ":"))
        self.write(line.encode("utf-8", "surrogatepass") + b"\n")

    def write(self, data: bytes) -> None:
        step = 1 if self.writes_bytes else len(data)
        for start in range(0, len(data), step):
            view = memoryview(data)[start : start + step]
            while view:
                view = view[os.write(1, view) :]

    def init(self) -> None:
        self.is_in_tool = False
        if self.has_init:
            return
        self.has_init = True
        self.emit(
            type="system",
            subtype="init",
            cwd=os.getcwd(),
            model=self.options.get("--model", MODEL),
            permissionMode=self.options.get("--permission-mode", "default"),
            mcp_servers=[],
            tools=["Bash", "Edit", "Read", "Task", "TodoWrite", "Write"],
            apiKeySource=fake_claude.credential_source(),
            claude_code_version=fake_claude.VERSION,
        )

    def event(self, **event: object) -> None:
        if self.has_partials:
            self.emit(type="stream_event", event=event, parent_tool_use_id=None)

    def begin(self) -> None:
        """A request to the API begins: one more turn."""
        self.turns += 1
        self.total_cost += TURN_COST
        self.message_id = f"msg_{self.uuid()[:8]}"
        self.index = 0
        self.emit(type="system", subtype="status", status="requesting")
        self.event(type="message_start", message=self.message([], 1))

    def end(self, stop_reason: str = "end_turn") -> None:
        self.event(
            type="message_delta", delta={"stop_reason": stop_reason}, usage={"output_tokens": OUTPUT_TOKENS}
        )
        self.event(type="message_stop")

    def message(self, content: list, output_tokens: int) -> dict:
        usage = {
            "input_tokens": INPUT_TOKENS,
            "output_tokens": output_tokens,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        }
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "model": self.options.get("--model", MODEL),
            "stop_reason": None,
            "usage": usage,
        }

    def say(self, text: str, kind: str = "text", pieces: list[str] | None = None, pause: float = 0.0) -> None:
        """One content block, streamed in pieces and then whole."""
        if kind == "text":
            self.text = text
        self.event(type="content_block_start", index=self.index, content_block={"type": kind, kind: ""})
        for piece in pieces or [text[start : start + 40] for start in range(0, len(text), 40)]:
            delta = {"type": f"{kind}_delta", kind: piece}
            self.event(type="content_block_delta", index=self.index, delta=delta)
            self.wait(pause)
        self.whole({"type": kind, kind: text})

    def call(self, name: str, tool_input: dict, parent: str | None = None) -> str:
        """A tool call; its id."""
        tool_id = f"toolu_{self.uuid()[:8]}"
        block = {"type": "tool_use", "id": tool_id, "name": name}
        if parent is None:
            self.event(type="content_block_start", index=self.index, content_block={**block, "input": {}})
            delta = {"type": "input_json_delta", "partial_json": json.dumps(tool_input)}
            self.event(type="content_block_delta", index=self.index, delta=delta)
        self.whole({**block, "input": tool_input}, parent)
        return tool_id

    def whole(self, block: dict, parent: str | None = None) -> None:
        self.emit(type="assistant", message=self.message([block], 1), parent_tool_use_id=parent)
        if parent is None:
            self.event(type="content_block_stop", index=self.index)
            self.index += 1

    def tool_result(
        self, tool_id: str, content: object, is_error: bool = False, parent: str | None = None
    ) -> None:
        block = {"type": "tool_result", "tool_use_id": tool_id, "content": content, "is_error": is_error}
        self.emit(type="user", message={"role": "user", "content": [block]}, parent_tool_use_id=parent)

    def retry(self, attempt: int, of: int, status: int, error: str) -> None:
        self.emit(
            type="system",
            subtype="api_retry",
            attempt=attempt,
            max_retries=of,
            error_status=status,
            error=error,
            retry_delay_ms=50,
        )
        self.wait(0.05)

    def result(self, fields: dict) -> None:
        cost = self.turns * TURN_COST
        tokens = {
            "inputTokens": INPUT_TOKENS * self.turns,
            "outputTokens": OUTPUT_TOKENS * self.turns,
            "cacheReadInputTokens": 0,
            "cacheCreationInputTokens": 0,
        }
        models = {MODEL: {**tokens, "costUSD": cost}} if self.turns else {}
        total = {MODEL: {**tokens, "costUSD": self.total_cost}}  # tokens of the session are not kept
        answer = {
            "type": "result",
            "subtype": "success",
            "is_error": False,
            "terminal_reason": "completed",
            "api_error_status": None,
            "result": self.text,
            "stop_reason": "end_turn",
            "num_turns": self.turns,
            "total_cost_usd": self.total_cost,
            "modelUsage": total,
            "duration_ms": int((time.monotonic() - self.started) * 1000),
            "permission_denials": self.denials,
            "usage": {
                "input_tokens": INPUT_TOKENS * self.turns,
                "output_tokens": OUTPUT_TOKENS * self.turns,
                "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0,
            },
            "model_usage_since_last_result": models,
            **fields,
        }
        self.save()
        if self.format == "text":
            self.write(self.text.encode() + b"\n")
        elif self.format == "json":
            self.write(json.dumps({**answer, "session_id": self.session_id}).encode() + b"\n")
        else:
            self.emit(**answer)

    def on_sigint(self, *_: object) -> None:
        if self.is_in_turn:
            raise Interrupted
        raise Exited(0)
