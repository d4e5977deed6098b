"""The Claude stream read: cut anywhere, odd, huge; and judged by its last result line alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.worker.claude_objects import RED, RESET, assistant, done, lines, shown, text_block, tool_result
from tests.worker.claude_runs import read, reader, written_by_fake
from worker_service.agents import claude_json
from worker_service.agents.base import Exit, Message, PermissionWithdrawn, TurnEnded, UsageReport
from worker_service.agents.claude_text import clean
from worker_service.wire import Reason

FIELDS = (
    "message", "event", "request", "subtype", "permission_denials", "usage", "errors", "result",
    "model_usage_since_last_result", "total_cost_usd", "num_turns", "session_id", "request_id",
)  # fmt: skip


def test_a_stream_cut_at_any_byte_reads_the_same(tmp_path: Path) -> None:
    data = written_by_fake("[bytes]", tmp_path)
    whole = read([data], reader())
    assert "\u2028separator \u2029 e\u0301 漢字" in whole[0]
    assert sum(isinstance(item, Message) for item in whole[1]) == 3

    assert read([data[at : at + 1] for at in range(len(data))], reader()) == whole
    for at in range(1, len(data)):
        assert read([data[:at], data[at:]], reader()) == whole


def test_lines_that_are_no_objects_are_shown_as_they_are(tmp_path: Path) -> None:
    data = written_by_fake("[junk]", tmp_path)
    text, rest = read([data], reader())
    seen = text.split("\r\n")[1:]
    assert seen[:5] == [
        '[claude-code:unrecognized_model] {"model":"x"}',
        "{not json}",
        "\ufffd\ufffdraw",
        "[1, 2]",
        '{"type":"result"',
    ]
    assert {"type": 7} in [item.message for item in rest if isinstance(item, Message)]


def test_the_cursor_code_before_or_after_a_line_is_no_output() -> None:
    stream = reader()
    text, rest = read([b"\x1b[?25h" + lines(done()), b"\x1b[?25h"], stream)
    assert "25h" not in text
    assert stream.verdict(Exit(0, None)).is_success
    assert isinstance(rest[-1], TurnEnded)


def test_a_last_object_without_a_newline_counts() -> None:
    stream = reader()
    read([lines(done())[:-1]], stream)
    assert stream.verdict(Exit(0, None)).is_success


def test_a_line_beyond_the_bound_is_dropped_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_json, "MAX_LINE_BYTES", 1000)
    long = lines(assistant(text_block("y" * 2000)))
    text, rest = read([long[at : at + 100] for at in range(0, len(long), 100)] + [lines(done())], reader())
    assert "was dropped" in text
    assert "yy" not in text
    assert [type(item) for item in rest] == [Message, UsageReport, TurnEnded]


def test_a_line_of_megabytes_is_read() -> None:
    data = lines(tool_result("z" * 5_000_000), done())
    text, rest = read([data[at : at + 65536] for at in range(0, len(data), 65536)], reader())
    assert len(text) < 500
    assert len(rest[0].message["message"]["content"][0]["content"]) == 5_000_000  # type: ignore[union-attr]


def test_messages_can_always_be_encoded_again() -> None:
    deep = b'{"type":"user","message":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}\n"
    deeper = b'{"type":"user","message":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    odd = b'{"type":"user","x":"\\ud800 \\ud83d\\ude42","y":NaN,"z":1e999}\n'
    _, rest = read([odd, deep, deeper], reader())
    messages = [item.message for item in rest if isinstance(item, Message)]
    assert len(messages) == 2
    assert messages[0]["x"] == "\ufffd 🙂"
    assert messages[0]["y"] is None
    for message in messages:
        assert json.dumps(message, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "value", [None, 5, "text", [], {}, [1], {"content": 5}, {"content": [None, "x", {}]}]
)
@pytest.mark.parametrize("kind", ["assistant", "user", "system", "result", "stream_event", "control_request"])
def test_no_shape_is_trusted(kind: str, value: Any) -> None:
    stream = reader()
    read([lines({"type": kind, **dict.fromkeys(FIELDS, value)})], stream)
    assert not stream.verdict(Exit(0, None)).is_success


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"terminal_reason": None}, None),
        ({"terminal_reason": "something new"}, Reason.AGENT_ERROR),
        ({"is_error": True}, Reason.AGENT_ERROR),
        ({"is_error": None}, Reason.AGENT_ERROR),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 401}, Reason.AUTH),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 403}, Reason.AUTH),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 529}, Reason.API_ERROR),
        ({"is_error": True, "terminal_reason": "api_error", "result": "Not logged in"}, Reason.AUTH),
        ({"is_error": True, "subtype": "error_max_turns", "terminal_reason": None}, Reason.MAX_TURNS),
        ({"is_error": True, "terminal_reason": "budget_exhausted"}, Reason.BUDGET),
        ({"is_error": True, "terminal_reason": "aborted_tools"}, Reason.CANCELLED),
    ],
)
def test_the_result_line_alone_judges(fields: dict[str, Any], reason: Reason | None) -> None:
    for ended in (Exit(0, None), Exit(1, None), Exit(143, None), Exit(None, "SIGKILL")):
        stream = reader()
        read([lines(done(**fields))], stream)
        verdict = stream.verdict(ended)
        assert verdict.is_success is (reason is None)
        assert verdict.reason is reason
        assert (verdict.detail is None) is (reason is None)


def test_the_last_of_several_results_judges_and_their_costs_add_up() -> None:
    def part(cost: float) -> dict[str, Any]:
        return {"m": {"inputTokens": 10, "outputTokens": 1, "costUSD": cost}}

    first = done(model_usage_since_last_result=part(0.25), queued_turn_count=1)
    last = done(model_usage_since_last_result=part(0.5), is_error=True, total_cost_usd=99)
    stream = reader()
    _, rest = read([lines(first, last)], stream)
    verdict = stream.verdict(Exit(0, None))
    assert verdict.reason is Reason.AGENT_ERROR
    assert verdict.usage is not None
    assert (verdict.usage.cost_usd, verdict.usage.input_tokens, verdict.usage.turns) == (0.75, 20, 2)
    assert sum(isinstance(item, TurnEnded) for item in rest) == 1


@pytest.mark.parametrize(("is_resumed", "cost"), [(False, 0.5), (True, None)])
def test_a_cumulative_cost_is_not_taken_for_a_resumed_tasks(is_resumed: bool, cost: float | None) -> None:
    stream = reader(is_resumed=is_resumed)
    read([lines(done(total_cost_usd=0.5, usage={"input_tokens": 7}))], stream)
    usage = stream.verdict(Exit(0, None)).usage
    assert usage is not None
    assert (usage.cost_usd, usage.input_tokens) == (cost, 7)


def test_without_a_result_nothing_is_done() -> None:
    stream = reader()
    text, _ = read([b"error: unknown option '--x'\n"], stream)
    assert text == f"error: unknown option '--x'\r\n{RED}✗ ended without a result{RESET}\r\n"
    for ended, reason in ((Exit(0, None), Reason.INCOMPLETE), (Exit(None, "SIGKILL"), Reason.SIGNAL)):
        verdict = stream.verdict(ended)
        assert not verdict.is_success
        assert verdict.reason is reason
        assert "unknown option" in (verdict.detail or "")


def test_answers_to_permissions() -> None:
    stream = reader(is_supervised=True)
    rules = [{"type": "addRules", "rules": [{"toolName": "Bash"}], "destination": "localSettings"}]
    request: dict[str, Any] = {
        "subtype": "can_use_tool",
        "tool_name": "Bash",
        "input": {"command": "ls"},
    }
    request["permission_suggestions"] = rules
    asked = [{"type": "control_request", "request_id": n, "request": request} for n in "abcd"]
    emitted = stream.feed(lines(*asked, {"type": "control_cancel_request", "request_id": "d"}))
    assert [item.permission_id for item in emitted if isinstance(item, PermissionWithdrawn)] == ["d"]

    def answered(permission_id: str, behavior: str, message: str | None = None) -> Any:
        line = stream.answer(permission_id, behavior, message)
        return json.loads(line)["response"] if line else None

    allow = {"behavior": "allow", "updatedInput": {"command": "ls"}}
    assert answered("a", "allow") == {"subtype": "success", "request_id": "a", "response": allow}
    session = answered("b", "allow_session")["response"]
    assert session == {**allow, "updatedPermissions": [{**rules[0], "destination": "session"}]}
    assert answered("c", "deny", "not now")["response"] == {"behavior": "deny", "message": "not now"}
    assert answered("a", "allow") is None
    assert answered("d", "deny") is None
    with pytest.raises(ValueError, match="maybe"):
        stream.answer("a", "maybe", None)
    notes = clean(shown(stream, b"")).splitlines()
    assert notes == ["✓ Bash allowed once", "✓ Bash allowed for this session", "✗ Bash denied: not now"]


def test_interrupts() -> None:
    assert reader().interrupt() is None
    duplex = reader(is_supervised=True)
    sent = [json.loads(line or b"{}") for line in (duplex.interrupt(), duplex.interrupt())]
    assert [line["request"] for line in sent] == [{"subtype": "interrupt"}] * 2
    assert sent[0]["request_id"] != sent[1]["request_id"]
