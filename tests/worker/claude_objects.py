"""Objects of the CLI's stream, made for tests of what reads them."""

from __future__ import annotations

import json
from typing import Any

from tests.worker.claude_runs import read, reader
from worker_service.agents.base import Output
from worker_service.agents.claude_reader import StreamReader

DIM, RED, GREEN, YELLOW, RESET = "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"


def lines(*objects: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in objects)


def assistant(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    message = {"id": "m1", "content": list(blocks), "usage": {"input_tokens": 3, "output_tokens": 1}}
    return {"type": "assistant", "message": message, "parent_tool_use_id": None, **more}


def tool_use(name: str, tool_input: dict[str, Any], tool_id: str = "t1") -> dict[str, Any]:
    return {"type": "tool_use", "id": tool_id, "name": name, "input": tool_input}


def tool_result(content: Any, *, is_error: bool = False, tool_id: str = "t1") -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": tool_id, "content": content, "is_error": is_error}
    return {"type": "user", "message": {"role": "user", "content": [block]}}


def event(**fields: Any) -> dict[str, Any]:
    return {"type": "stream_event", "event": fields}


def text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def streamed(*pieces: str, kind: str = "text") -> list[dict[str, Any]]:
    start = event(type="content_block_start", content_block={"type": kind, kind: ""})
    deltas = [{"type": f"{kind}_delta", kind: piece} for piece in pieces]
    return [start, *(event(type="content_block_delta", delta=delta) for delta in deltas)]


def done(**fields: Any) -> dict[str, Any]:
    plain = {"type": "result", "is_error": False, "terminal_reason": "completed", "subtype": "success"}
    return {**plain, "duration_ms": 1500, "num_turns": 1, "session_id": "s", **fields}


def rendered(*objects: dict[str, Any], columns: int = 80) -> str:
    """What an operator sees, without the line that tells of a missing result."""
    text, _ = read([lines(*objects)], reader(columns=columns))
    return text.removesuffix(f"{RED}✗ ended without a result{RESET}\r\n")


def shown(stream: StreamReader, data: bytes) -> str:
    """What these bytes add to an operator's terminal."""
    return b"".join(item.data for item in stream.feed(data) if isinstance(item, Output)).decode()
