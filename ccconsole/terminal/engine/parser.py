"""Bytes to control functions (ECMA-48, DEC's and xterm's rules): one regular expression cuts a whole chunk.

Each token is a run of text and SGR sequences, and the control after it. What is incomplete at the end of
a chunk waits for the next; a string is collected to its limit and then skipped. The work is linear in the
bytes, and a chunk is bounded, so no input holds the caller for long.
"""

from __future__ import annotations

import codecs
import re
from typing import Any

from ccconsole.terminal.engine.printing import print_lines, print_styled, print_text
from ccconsole.terminal.engine.screen import Screen
from ccconsole.terminal.engine.sequences import (
    NOTHING,
    Action,
    compile_control,
    compile_csi,
    compile_escape,
)
from ccconsole.terminal.engine.strings import MAX_STRING, OSC, run_string

CHUNK = 1 << 16
"""Bytes tokenised at once."""

MAX_SEQUENCE = 1024
"""Characters of a control sequence; a longer one is ignored."""

MAX_ACTIONS = 1 << 14
_MAX_KEPT = 64

_RUN = r"([^\x00-\x1f\x7f]*+(?:\x1b\[[0-9;:]{0,1000}+m[^\x00-\x1f\x7f]*+)*+)"
"""Printable text and the SGR sequences in it."""

_LINE = r"[^\x00-\x1f\x7f]*+(?:\x1b\[(?:[0-9;:]*+m|K)[^\x00-\x1f\x7f]*+)*+\r\n"
_INNER = r"[\x00-\x17\x19\x1c-\x1f\x7f"
_ABORTED = r"[\x18\x1a]|(?=[\x1b\x80-\U0010ffff])"
_CONTROL = (
    r"\r\n"
    r"|\x1b\[[0-?]*+[ -/]*+[@-~]"
    r"|[\x00-\x1a\x1c-\x1f\x7f]"
    rf"|\x1b\[{_INNER}\x20-\x3f]*+(?:[@-~]|{_ABORTED})"
    r"|\x1b\][^\x07\x18\x1a\x1b]*+(?:\x07|\x1b\\|[\x18\x1a]|(?=\x1b[^\\]))"
    r"|\x1b[PX^_][^\x18\x1a\x1b]*+(?:\x1b\\|[\x18\x1a]|(?=\x1b[^\\]))"
    rf"|\x1b(?![\[\]PX^_]){_INNER}\x20-\x2f]*+(?:[0-~]|{_ABORTED})"
)
_INCOMPLETE = r"\x1b[\s\S]*+"
"""The unfinished end of a chunk: what a control begins with and none of the above matches."""

_TOKENS = re.compile(rf"{_RUN}(?:({_CONTROL})(?:(?<=\r\n)((?:{_LINE}){{2,}}+))?+|({_INCOMPLETE}))?+")
_TOKENS_SINGLY = re.compile(rf"{_RUN}(?:({_CONTROL})()|({_INCOMPLETE}))?+")

_C1 = re.compile(r"[\x80-\x9f]")
_C1_TO_C0 = {
    chr(code): "\x1b" + chr(code - 0x40)
    for code in (0x84, 0x85, 0x88, 0x8D, 0x8E, 0x8F, 0x90, 0x98, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F)
}
"""C1 controls that we know in their 7-bit form; the others mean nothing to us."""


def _as_escape(match: re.Match[str]) -> str:
    return _C1_TO_C0.get(match[0], "")


_END = {True: re.compile(r"[\x07\x18\x1a\x1b]"), False: re.compile(r"[\x18\x1a\x1b]")}
"""What can end a string: BEL only an OSC."""

_SKIPPED_CSI = re.compile(rf"{_INNER}\x20-\x3f]*+(?:([@-~\x18\x1a])|(?=[\x1b\x80-\U0010ffff]))?+")
_SKIPPED_ESCAPE = re.compile(rf"{_INNER}\x20-\x2f]*+(?:([0-~\x18\x1a])|(?=[\x1b\x80-\U0010ffff]))?+")
_INNER_CONTROL = re.compile(r"[\x00-\x1a\x1c-\x1f\x7f]")


class Parser:
    """Feeds a screen; holds what a chunk left unfinished."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._actions: dict[str, Action] = {}
        self._pending = ""
        self._introducer = ""
        """Of the string that is being collected."""
        self._string: list[str] = []
        self._string_length = 0
        self._skipped: re.Pattern[str] | None = None
        """Set while a sequence that grew too long is skipped."""

    def feed(self, data: bytes) -> None:
        """Interpret bytes, cut anywhere."""
        for start in range(0, len(data), CHUNK):
            text = self._decoder.decode(data[start : start + CHUNK])
            if not text.isascii():
                text = _C1.sub(_as_escape, text)
            if self._pending:
                text = self._pending + text
                self._pending = ""
            while text:
                if self._introducer:
                    text = self._collect(text)
                elif self._skipped is not None:
                    text = self._skip(text, self._skipped)
                else:
                    is_main = self._screen.buffer is self._screen.main
                    self._run(text, _TOKENS if is_main else _TOKENS_SINGLY)
                    break

    def pending(self) -> tuple[Any, ...]:
        """What the last chunk left unfinished, for `resume`."""
        string = tuple(self._string), self._string_length
        return self._decoder.getstate(), self._pending, self._introducer, string, self._skipped

    def resume(self, pending: tuple[Any, ...]) -> None:
        """Go on from where `pending` was asked, in this parser or in another."""
        state, self._pending, self._introducer, string, self._skipped = pending
        self._decoder.setstate(state)
        self._string, self._string_length = list(string[0]), string[1]

    def _run(self, text: str, tokens: re.Pattern[str]) -> None:
        screen = self._screen
        actions = self._actions
        for run, control, lines, incomplete in tokens.findall(text):
            if run:
                size = len(run)
                end = screen.x + size
                if "\x1b" in run:
                    print_styled(screen, run)
                elif screen.is_direct and end <= screen.columns and run.isascii():
                    screen.rows[screen.y].put(screen.x, run, screen.pen * size)
                    screen.x = end
                    screen.last_printed = run
                else:
                    print_text(screen, run)
            if not control:
                if incomplete:
                    self._hold(incomplete)
                continue
            action = actions.get(control)
            if action is None:
                action = self._compile(control)
            action[0](*action[1])
            if lines and not print_lines(screen, lines):
                self._run(lines, _TOKENS_SINGLY)

    def _compile(self, control: str) -> Action:
        """The action of a control that is not known yet; kept when it is short and always means the same."""
        if control[0] != "\x1b":
            action = compile_control(self._screen, control)
        elif len(control) > MAX_SEQUENCE and control[1:2] not in "]PX^_":
            return NOTHING
        elif control[1:2] == "[":
            if len(control) > 2 and _INNER_CONTROL.search(control):
                return self._run_inner(control)
            action = compile_csi(self._screen, control)
        elif control[1:2] and control[1] in "]PX^_":
            self._run_complete(control)
            return NOTHING
        elif _INNER_CONTROL.search(control):
            return self._run_inner(control)
        else:
            action = compile_escape(self._screen, control)
        if len(control) <= _MAX_KEPT:
            if len(self._actions) >= MAX_ACTIONS:
                self._actions.clear()
            self._actions[control] = action
        return action

    def _run_inner(self, control: str) -> Action:
        """C0 controls inside a sequence take effect first; CAN and SUB end it."""
        for inner in _INNER_CONTROL.findall(control):
            if inner in "\x18\x1a":
                return NOTHING
            function, arguments = compile_control(self._screen, inner)
            function(*arguments)
        rest = _INNER_CONTROL.sub("", control)
        return self._compile(rest) if rest[1:2] != "[" or len(rest) > 2 else NOTHING

    def _run_complete(self, control: str) -> None:
        """A string within one chunk; one that was cut off by CAN, SUB or another escape does nothing."""
        if control.endswith("\x1b\\"):
            run_string(self._screen, control[1], control[2:-2])
        elif control.endswith("\x07") and control[1] == OSC:
            run_string(self._screen, control[1], control[2:-1])

    def _hold(self, incomplete: str) -> None:
        """Keep the unfinished end of a chunk."""
        if incomplete[1:2] and incomplete[1] in "]PX^_":
            self._introducer = incomplete[1]
            self._collect(incomplete[2:])
        elif len(incomplete) > MAX_SEQUENCE:
            self._skipped = _SKIPPED_CSI if incomplete[1] == "[" else _SKIPPED_ESCAPE
        else:
            self._pending = incomplete

    def _collect(self, text: str) -> str:
        """Go on with a string; what is left of the text when it ended."""
        introducer = self._introducer
        end = _END[introducer == OSC].search(text)
        stop = end.start() if end else len(text)
        self._string_length += stop
        if self._string_length <= MAX_STRING.get(introducer, -1):
            self._string.append(text[:stop])
        else:
            self._string.clear()
        if end is None:
            return ""
        if end[0] == "\x1b" and stop + 1 == len(text):
            self._pending = "\x1b"
            return ""
        is_terminated = end[0] == "\x07" or text.startswith("\x1b\\", stop)
        if is_terminated and self._string_length <= MAX_STRING.get(introducer, -1):
            run_string(self._screen, introducer, "".join(self._string))
        self._introducer = ""
        self._string.clear()
        self._string_length = 0
        if is_terminated:
            return text[stop + (1 if end[0] == "\x07" else 2) :]
        return text[stop + (0 if end[0] == "\x1b" else 1) :]

    def _skip(self, text: str, rest: re.Pattern[str]) -> str:
        """Go on skipping a sequence that grew too long."""
        match = rest.match(text)
        stop = match.end() if match else 0
        if match is not None and stop == len(text) and match[1] is None:
            return ""
        self._skipped = None
        return text[stop:]
