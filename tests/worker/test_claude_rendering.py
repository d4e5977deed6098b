"""What an operator sees of a Claude run: golden texts, and that nothing hostile reaches the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.claude_objects import (
    DIM,
    GREEN,
    RED,
    RESET,
    YELLOW,
    assistant,
    done,
    event,
    lines,
    rendered,
    shown,
    streamed,
    text_block,
    tool_result,
    tool_use,
)
from tests.worker.claude_runs import FOLDER, read, reader, written_by_fake
from worker_service.agents.base import Message, TurnEnded, UsageReport
from worker_service.agents.claude_text import Cleaner, clean, shorten

EVIL = (
    "\x1b[2Jred\x1b[31m \x1b]0;title\x07x\x1b]52;c;Zg==\x1b\\y\x9b5nz"
    "\x1bPq\x1b\\\x1b(B\x1bc\u202e\x08\x00\x7f."
)


def test_a_whole_run(tmp_path: Path) -> None:
    text, rest = read([written_by_fake("[tool]", tmp_path)], reader())
    first, *seen = text.split("\r\n")
    assert first.startswith(f"{DIM}claude 2.1.330 · claude-standin-5 · session ")
    assert first.endswith(f" · permissions default{RESET}")
    *body, last, end = seen
    assert body == [
        "Running.",
        f"\x1b[36m●{RESET} \x1b[1mBash{RESET}(seq 1 20)",
        f"  ⎿  {DIM}1{RESET}",
        *(f"     {DIM}{n}{RESET}" for n in range(2, 7)),
        f"     {DIM}… +14 lines (38 B){RESET}",
        "The tool has run.",
    ]
    assert last.startswith(f"{GREEN}✓ completed{RESET}{DIM} · 0.")
    assert last.endswith(f" s · 2 turns · $0.0020 · 200 in / 40 out{RESET}")
    assert end == ""
    kinds = [str(item.message["type"]) for item in rest if isinstance(item, Message)]
    assert kinds == ["system", "assistant", "assistant", "user", "assistant", "result"]
    usages = [item.usage for item in rest if isinstance(item, UsageReport)]
    assert [(u.input_tokens, u.output_tokens, u.cost_usd) for u in usages] == [
        (100, 20, None),
        (200, 40, None),
        (200, 40, 0.002),
    ]
    assert isinstance(rest[-1], TurnEnded)


def test_text_shows_as_it_streams_and_not_twice() -> None:
    stream = reader()
    pieces = streamed("Hel", "lo\n", "there")
    seen = [shown(stream, lines(piece)) for piece in [*pieces, assistant(text_block("Hello\nthere"))]]
    assert seen == ["", "Hel", "lo\r\n", "there", ""]


def test_an_answer_without_partial_events_shows_whole() -> None:
    assert rendered(assistant(text_block("One.")), assistant(text_block("Two."))) == "One.\r\nTwo.\r\n"


def test_a_broken_off_stream_goes_on_or_begins_anew() -> None:
    assert rendered(*streamed("The begin"), assistant(text_block("The beginning."))) == "The beginning.\r\n"
    anew = rendered(
        *streamed("The begin"), assistant(text_block("Another.")), assistant(text_block("The begin"))
    )
    assert anew == "The begin\r\nAnother.\r\nThe begin\r\n"


def test_thinking_is_dim() -> None:
    text = rendered(*streamed("Hm", "m", kind="thinking"), assistant({"type": "thinking", "thinking": "Hmm"}))
    assert text == f"{DIM}✻ Hm{RESET}{DIM}m{RESET}\r\n"


def test_a_tool_shows_its_name_before_its_input_is_there() -> None:
    stream = reader()
    start = event(type="content_block_start", content_block=tool_use("Write", {}))
    call = assistant(tool_use("Write", {"file_path": f"{FOLDER}/a/b.py", "content": "x = 1\n"}))
    assert shown(stream, lines(start)) == f"\x1b[36m●{RESET} \x1b[1mWrite{RESET}"
    assert shown(stream, lines(call)) == f"(a/b.py)\r\n     {GREEN}+ x = 1{RESET}\r\n"


def test_calls() -> None:
    head = f"\x1b[36m●{RESET} \x1b[1m"
    edit = {"file_path": "/etc/x", "old_string": "a\nb", "new_string": "c"}
    assert rendered(assistant(tool_use("Edit", edit))).split("\r\n") == [
        f"{head}Edit{RESET}(/etc/x)",
        f"     {RED}- a{RESET}",
        f"     {RED}- b{RESET}",
        f"     {GREEN}+ c{RESET}",
        "",
    ]
    generic = rendered(assistant(tool_use("mcp__a__b", {"q": "ü", "n": [1]})))
    assert generic == f'{head}mcp__a__b{RESET}({{"q": "ü", "n": [1]}})\r\n'
    assert rendered(assistant(tool_use("Bash", {"command": "a\n\tb"}))) == f"{head}Bash{RESET}(a b)\r\n"
    assert rendered(assistant(tool_use("Bash", {"command": 5}))) == f'{head}Bash{RESET}({{"command": 5}})\r\n'
    assert rendered(assistant(tool_use("Ping", {}))) == f"{head}Ping{RESET}\r\n"


def test_results() -> None:
    assert rendered(tool_result("")) == f"  ⎿  {DIM}(no output){RESET}\r\n"
    assert rendered(tool_result("bad", is_error=True)) == f"  ⎿  {RED}bad{RESET}\r\n"
    blocks = [text_block("see"), {"type": "image", "source": {}}]
    assert rendered(tool_result(blocks)) == f"  ⎿  {DIM}see{RESET}\r\n     {DIM}[image]{RESET}\r\n"
    assert "… +" not in rendered(tool_result("\n".join("1234567")))
    assert f"{DIM}… +2 lines (3 B){RESET}" in rendered(tool_result("\n".join("12345678")))


def test_lines_fit_the_terminal() -> None:
    columns = 30
    for wide in ("x" * 200, "漢" * 200, "a\tb\t" * 50):
        text = rendered(
            assistant(tool_use("Bash", {"command": wide})),
            tool_result(wide),
            assistant(tool_use("Write", {"file_path": wide, "content": wide}, "t2")),
            {"type": "control_request", "request_id": "p", "request": {"subtype": "can_use_tool",
             "tool_name": "Bash", "input": {"command": wide}}},
            columns=columns,
        )  # fmt: skip
        for line in clean(text).splitlines():
            assert shorten(line, columns) == line
        assert "…" in text


def test_errors_retries_denials_and_the_last_line() -> None:
    retry = {"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 4, "retry_delay_ms": 526}
    assert rendered({**retry, "error_status": 529, "error": "overloaded"}) == (
        f"{DIM}⟳ API 529 overloaded: retry 1/4 in 0.5 s{RESET}\r\n"
    )
    assert rendered({**retry, "error_status": None}) == (
        f"{DIM}⟳ API connection failed: retry 1/4 in 0.5 s{RESET}\r\n"
    )
    assert rendered(assistant(text_block("No key."), is_api_error_message=True)) == f"{RED}No key.{RESET}\r\n"
    denial = {"tool_name": "Bash", "tool_use_id": "t9", "tool_input": {"command": "rm x"}}
    end = done(permission_denials=[denial], result="So.", total_cost_usd=2, num_turns=3, duration_ms=61_000)
    assert rendered(end) == (
        f"So.\r\n{YELLOW}! 1 permission denied:{RESET}\r\n{YELLOW}  Bash(rm x){RESET}\r\n"
        f"{GREEN}✓ completed, 1 permission denied{RESET}"
        f"{DIM} · 1 min 1 s · 3 turns · $2.00 · 0 in / 0 out{RESET}\r\n"
    )


@pytest.mark.parametrize("place", ["text", "delta", "thinking", "call", "result", "plain", "error", "denial"])
def test_nothing_an_agent_says_moves_the_operators_cursor(place: str) -> None:
    stream = {
        "text": [assistant(text_block(EVIL))],
        "delta": [*streamed(*EVIL), assistant(text_block(EVIL))],
        "thinking": [*streamed(*EVIL, kind="thinking")],
        "call": [assistant(tool_use(EVIL, {"command": EVIL}), tool_use("Write", {"content": EVIL}))],
        "result": [tool_result(EVIL), tool_result(EVIL, is_error=True)],
        "plain": [],
        "error": [done(errors=[EVIL], is_error=True, result=EVIL)],
        "denial": [done(permission_denials=[{"tool_name": EVIL, "tool_input": {EVIL: EVIL}}])],
    }[place]
    data = EVIL.encode() + b"\n" if place == "plain" else lines(*stream)
    text, _ = read([data], reader())
    for style in (DIM, RED, GREEN, YELLOW, RESET, "\x1b[36m", "\x1b[1m"):
        text = text.replace(style, "")
    assert "red" in text
    # Of all controls, only our own line ends and the agent's tabs are left.
    assert not [c for c in text.replace("\r\n", "") if ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e"]
    # In a call seen as JSON they stand escaped, which is the honest way to show them.
    assert "title" not in text.replace("\\u001b]0;title", "")


def test_an_unfinished_sequence_hides_nothing() -> None:
    assert clean("a\x1b]0;hidden\nb\x1b[") == "a0;hidden\nb"
    cleaner = Cleaner()
    held = "".join(cleaner.feed(piece) for piece in ("a\r", "\nb", "\x1b", "]0;", "x" * 300, "\x1b[3", "1mc"))
    assert held + cleaner.close() == "a\nb0;" + "x" * 300 + "c"


def test_a_sequence_without_end_is_not_held_for_ever() -> None:
    cleaner = Cleaner()
    assert len("".join(cleaner.feed(piece) for piece in ("\x1b[", *["0"] * 1000))) > 900
    assert len("".join(cleaner.feed(piece) for piece in ("\x1b]", *["0"] * 1000))) > 700


def test_a_block_of_megabytes_streams_in_linear_time() -> None:
    """Ten megabytes in small pieces took two minutes while each piece was joined to all before it."""
    text = rendered(*streamed(*["x" * 100] * 20_000), assistant(text_block("x" * 2_000_000)))
    assert text == "x" * 2_000_000 + "\r\n"
