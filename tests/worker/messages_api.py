"""A small stand-in for the Anthropic Messages API on loopback, for the real Claude CLI to talk to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

ApiMode = Literal[
    "text", "long", "slow", "thinking", "tool", "write", "401", "429", "529 once", "SSE error", "hang"
]

TEXT = "Hello from the **stand-in**.\n\nÜber 漢字 🙂 and a line separator:\u2028done."
TOOL_COMMAND = "printf 'one\\ntwo\\n'"
INPUT_TOKENS = 100
OUTPUT_TOKENS = 20

_ERRORS = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


@dataclass(frozen=True)
class Seen:
    """One request as it arrived: header names in lower case, body parsed."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def is_turn(self) -> bool:
        """Whether it is a turn of the conversation: side requests (titles, quota checks) carry no tools."""
        return self.path.startswith("/v1/messages") and bool(self.body.get("tools"))


class MessagesApi:
    """The server: `with MessagesApi("text") as api:` then `api.url`; `api.seen` holds the requests."""

    def __init__(self, mode: ApiMode, file_path: str = "note.txt") -> None:
        self.mode: ApiMode = mode
        self.file_path = file_path
        self.seen: list[Seen] = []
        self.closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def turns(self) -> list[Seen]:
        """The requests that were turns of the conversation."""
        return [seen for seen in self.seen if seen.is_turn]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    # Not daemonic, so that server_close() joins every handler and no socket outlives its test.
    daemon_threads = False

    def __init__(self, api: MessagesApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up (an interrupted CLI) is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest's output stays readable."""

    def do_HEAD(self) -> None:
        self._respond(200, "application/json", b"")

    def do_GET(self) -> None:
        self._respond(200, "application/json", b"{}")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))) or b"{}")
        seen = Seen(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        api = self.server.api
        api.seen.append(seen)
        if "count_tokens" in self.path:
            self._respond(200, "application/json", b'{"input_tokens": 100}')
        elif not seen.is_turn:
            self._answer(body, [_text_block("A title")])
        elif api.mode == "529 once" and len(api.turns()) == 1:
            self._fail(529)
        elif api.mode in ("401", "429"):
            self._fail(int(api.mode))
        else:
            self._answer(body, _blocks(api, body))

    def _fail(self, status: int) -> None:
        error = {"type": "error", "error": {"type": _ERRORS[status], "message": f"stand-in says {status}"}}
        self._respond(status, "application/json", json.dumps(error).encode())

    def _answer(self, body: dict[str, Any], blocks: Sequence[dict[str, Any]]) -> None:
        message = _message(body, blocks)
        if not body.get("stream"):
            self._respond(200, "application/json", json.dumps(message).encode())
            return
        self._start(200, "text/event-stream", None)
        api = self.server.api
        if api.mode == "hang" and body.get("tools"):
            api.closing.wait(60)
            return
        for index, (name, data) in enumerate(_events(message)):
            if api.mode == "SSE error" and body.get("tools") and index == 3:
                name, data = "error", {"error": {"type": "overloaded_error", "message": "stand-in overload"}}
            self.wfile.write(f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode())
            self.wfile.flush()
            if name == "error" or (api.mode == "slow" and api.closing.wait(0.1)):
                return

    def _respond(self, status: int, content_type: str, body: bytes) -> None:
        self._start(status, content_type, len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _start(self, status: int, content_type: str, length: int | None) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("connection", "close")
        self.send_header("request-id", "req_standin")
        if length is not None:
            self.send_header("content-length", str(length))
        self.end_headers()


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _blocks(api: MessagesApi, body: dict[str, Any]) -> list[dict[str, Any]]:
    parts = [part for message in body["messages"] for part in message["content"] if isinstance(part, dict)]
    if any(part.get("type") == "tool_result" for part in parts):
        return [_text_block("The tool has run.")]
    match api.mode:
        case "long":
            return [_text_block("\n".join(f"{n}. line of a long answer" for n in range(1, 301)))]
        case "slow":
            return [_text_block(" ".join(f"word{n}" for n in range(400)))]
        case "thinking":
            thought = {"type": "thinking", "thinking": "Let me think.\nTwice.", "signature": "c2ln"}
            return [thought, _text_block(TEXT)]
        case "tool":
            tool_input = {"command": TOOL_COMMAND, "description": "Print two lines"}
            return [_text_block("Running."), _tool_block("Bash", tool_input)]
        case "write":
            return [_tool_block("Write", {"file_path": api.file_path, "content": "first\nsecond\n"})]
        case _:
            return [_text_block(TEXT)]


def _tool_block(name: str, tool_input: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_standin1", "name": name, "input": tool_input}


def _message(body: dict[str, Any], blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    has_tool = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": "msg_standin",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "claude-stand-in"),
        "content": list(blocks),
        "stop_reason": "tool_use" if has_tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }


def _events(message: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    start = {**message, "content": [], "stop_reason": None}
    start["usage"] = {"input_tokens": INPUT_TOKENS, "output_tokens": 1}
    yield "message_start", {"message": start}
    for index, block in enumerate(message["content"]):
        empty, deltas = _deltas(block)
        yield "content_block_start", {"index": index, "content_block": empty}
        for delta in deltas:
            yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"delta": delta, "usage": {"output_tokens": OUTPUT_TOKENS}}
    yield "message_stop", {}


def _deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "text":
            texts = _pieces(block["text"])
            return {**block, "text": ""}, [{"type": "text_delta", "text": text} for text in texts]
        case "thinking":
            thoughts = _pieces(block["thinking"])
            deltas = [{"type": "thinking_delta", "thinking": thought} for thought in thoughts]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {**block, "thinking": "", "signature": ""}, deltas
        case _:
            pieces = _pieces(json.dumps(block["input"]))
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": p} for p in pieces]


def _pieces(text: str, size: int = 7) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
