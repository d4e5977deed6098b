"""What the stand-in does in print mode, by the tag in the prompt; each returns the result's own fields."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_claude_stream import Stream

TAG = re.compile(r"\[([a-z0-9-]+)(?: ([a-z0-9]+))?\]")
HOSTILE = (
    "\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x1b[?1049hstill \x9b31mhere\x1bP+q\x1b\\ "
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\ \u202eback\u202c\ttab\r\nnext\x08\x7f\x00 end\x1b[5n"
)
UNICODE = "line\u2028separator \u2029 e\u0301 漢字 👩‍💻 ﷽ nul-free"


def play(stream: Stream, prompt: str) -> dict:
    from fake_claude_failures import FAILURES

    known = SCENARIOS | FAILURES
    tag, argument = "echo", ""
    for source in (prompt, f"[{os.environ.get('FAKE_CLAUDE', 'echo').strip('[]')}]"):
        for match in TAG.finditer(source):
            if match[1] in known:
                tag, argument = match[1], match[2] or ""
                break
        else:
            continue
        break
    fields = known[tag](stream, argument or prompt if tag == "echo" else argument)
    return fields or {}


def echo(stream: Stream, prompt: str) -> None:
    stream.begin()
    stream.say(f"You said: {prompt}")
    stream.end()


def long(stream: Stream, _: str) -> None:
    stream.begin()
    stream.say("\n".join(f"{n}. line of a long answer" for n in range(1, 301)))
    stream.end()


def thinking(stream: Stream, _: str) -> None:
    stream.begin()
    stream.say("Let me think.\nTwice.", "thinking")
    stream.say("Thought about it.")
    stream.end()


def unicode(stream: Stream, _: str) -> None:
    stream.begin()
    stream.say(UNICODE, pieces=list(UNICODE))
    stream.say("é" * 13_500)
    stream.end()


def slow(stream: Stream, argument: str) -> None:
    words = [f"word{n} " for n in range(int(argument or 400))]
    stream.begin()
    stream.say("".join(words), pieces=words, pause=0.05)
    stream.end()


def hang(stream: Stream, _: str) -> None:
    stream.has_partials = False
    while True:
        stream.wait(60)


def lingers(stream: Stream, argument: str) -> None:
    echo(stream, "lingers")
    stream.is_in_turn = False
    stream.result({})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        time.sleep(60)


def tool(stream: Stream, _: str) -> None:
    stream.begin()
    stream.say("Running.")
    tool_id = stream.call("Bash", {"command": "seq 1 20", "description": "Count"})
    stream.end("tool_use")
    stream.tool_result(tool_id, "\n".join(str(n) for n in range(1, 21)))
    stream.begin()
    stream.say("The tool has run.")
    stream.end()


def edit(stream: Stream, _: str) -> None:
    folder = os.getcwd()
    stream.begin()
    calls = [
        ("Write", {"file_path": f"{folder}/note.txt", "content": "".join(f"line {n}\n" for n in range(12))}),
        (
            "Edit",
            {"file_path": f"{folder}/note.txt", "old_string": "line 1", "new_string": "line one\nand a half"},
        ),
        (
            "TodoWrite",
            {
                "todos": [
                    {"content": "write", "status": "completed"},
                    {"content": "test", "status": "in_progress"},
                    {"content": "rest", "status": "pending"},
                ]
            },
        ),
        ("mcp__server__search", {"query": "x", "limit": 3}),
    ]
    ids = [stream.call(name, tool_input) for name, tool_input in calls]
    stream.end("tool_use")
    for tool_id in ids:
        stream.tool_result(tool_id, [{"type": "text", "text": "ok"}])
    stream.tool_result(ids[-1], "no such index", is_error=True)
    stream.begin()
    stream.say("Done.")
    stream.end()


def subagent(stream: Stream, _: str) -> None:
    stream.begin()
    task_id = stream.call(
        "Task", {"description": "look around", "prompt": "Look.", "subagent_type": "Explore"}
    )
    stream.end("tool_use")
    read_id = stream.call("Read", {"file_path": "/etc/hostname"}, parent=task_id)
    stream.tool_result(read_id, "host", parent=task_id)
    stream.tool_result(task_id, "A host.")
    stream.begin()
    stream.say("It has looked.")
    stream.end()


def hostile(stream: Stream, _: str) -> None:
    stream.begin()
    tool_id = stream.call("Bash", {"command": f"cat {HOSTILE}"})
    stream.end("tool_use")
    stream.tool_result(tool_id, HOSTILE)
    stream.begin()
    stream.say(HOSTILE, pieces=list(HOSTILE))
    stream.end()


def permission(stream: Stream, _: str) -> None:
    stream.begin()
    is_allowed = write_note(stream, "note.txt")
    stream.begin()
    stream.say("Written." if is_allowed else "I was not allowed to write.")
    stream.end()


def permissions(stream: Stream, _: str) -> None:
    stream.begin()
    answers = [write_note(stream, name) for name in ("one.txt", "two.txt")]
    stream.begin()
    stream.say(" ".join("written" if is_allowed else "denied" for is_allowed in answers))
    stream.end()


def recovered(stream: Stream, _: str) -> None:
    stream.begin()
    write_note(stream, "note.txt")
    stream.begin()
    tool_id = stream.call("Bash", {"command": "echo instead"})
    stream.end("tool_use")
    stream.tool_result(tool_id, "instead")
    stream.begin()
    stream.say("Done another way.")
    stream.end()


def write_note(stream: Stream, name: str) -> bool:
    tool_input = {"file_path": f"{os.getcwd()}/{name}", "content": "first\nsecond\n"}
    tool_id = stream.call("Write", tool_input)
    stream.end("tool_use")
    if not stream.may(tool_id, "Write", tool_input):
        return False
    with open(tool_input["file_path"], "w") as file:
        file.write(tool_input["content"])
    stream.tool_result(tool_id, f"File created successfully at: {tool_input['file_path']}")
    return True


def one_byte(stream: Stream, _: str) -> None:
    stream.writes_bytes = True
    stream.begin()
    stream.say(UNICODE)
    stream.end()


def junk(stream: Stream, _: str) -> None:
    stream.write(b'[claude-code:unrecognized_model] {"model":"x"}\n\x1b[?25h\n')
    stream.write(b'{not json}\n\xff\xfe\x1b[2Jraw\n[1, 2]\n{"type": 7}\n{"no": "type"}\n\n')
    stream.write(b'{"type":"assistant","message":"text","session_id":5}\n{"type":"result"')
    stream.write(b"\n")
    echo(stream, "junk")


SCENARIOS = {
    scenario.__name__.replace("_", "-"): scenario
    for scenario in (
        echo,
        long,
        thinking,
        unicode,
        slow,
        hang,
        lingers,
        tool,
        edit,
        subagent,
        hostile,
        permission,
        permissions,
        recovered,
        one_byte,
        junk,
    )  # fmt: skip
}
SCENARIOS["bytes"] = SCENARIOS.pop("one-byte")
