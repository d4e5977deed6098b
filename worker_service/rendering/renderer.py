"""Bytes to the functions of a page: a terminal's controls, as far as they change what is written."""

from __future__ import annotations

import codecs
import re

from worker_service.rendering.page import TAB_WIDTH, Page

MAX_COLUMNS = MAX_ROWS = 1000
"""As a run request may ask for at most."""

_TEXT = r"[^\x00-\x1f\x7f]"
_RENDITION = r"\x1b\[[0-9;:]*+m"
_LINE = rf"{_TEXT}*+(?:{_RENDITION}{_TEXT}*+)*+\r\n"
_CONTROL = (
    rf"(\r\n|[\x00-\x1a\x1c-\x1f\x7f])(?:(?<=\r\n)((?:{_LINE}){{2,}}+))?+"
    r"|\x1b\[([0-?]*+)([ -/]*+)([@-~])"  # control sequences
    r"|\x1b[PX^_\]][^\x07\x18\x1a\x1b]*+\x07?"  # strings: titles, links
    r"|\x1b([ -/]*+)([0-~])"  # short escapes, and a string's end
    r"|\x1b"
)
_TOKENS = re.compile(rf"({_TEXT}*+)(?:{_CONTROL})?")
"""A run of text and the control after it; after a line's end all whole lines that follow, at once."""

_MAX_SEQUENCE = 4096
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)")
_OPEN_STRING = re.compile(r"\x1b[PX^_\]][^\x07\x18\x1a]*")
_STRING_END = re.compile(r"[\x07\x18\x1a\x1b]")
_RENDITIONS = re.compile(_RENDITION)
_C1 = re.compile(r"[\x80-\x9f]")
_C1_TO_C0 = {code: "\x1b" + chr(code - 0x40) for code in range(0x80, 0xA0)}
_MAX_DIGITS = 5


class TextRenderer:
    """Bytes in, cut anywhere; text out, line by line as the lines leave the page."""

    def __init__(self, columns: int, rows: int) -> None:
        columns, rows = _clamped(columns, rows)
        self._main = self._page = Page(columns, rows, [])
        self._alternate = Page(columns, rows, None)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._is_in_string = False

    def feed(self, data: bytes) -> str:
        """The text of what has scrolled off since."""
        self._run(self._decoder.decode(data))
        return self._main.take()

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size from here on."""
        for page in (self._main, self._alternate):
            page.resize(*_clamped(columns, rows))

    def close(self) -> str:
        """The text of the rest, what is on the page at the end; the page is blank then."""
        self._run(self._decoder.decode(b"", True))
        self._decoder.reset()
        self._held, self._is_in_string = "", False
        shown = "".join(row.text() for row in self._page.rows).rstrip("\n")
        text = self._main.take() + (shown + "\n" if shown else "")
        self._escape("c")
        return text

    def _run(self, text: str) -> None:
        if not text.isascii() and _C1.search(text):
            text = text.translate(_C1_TO_C0)
        text, self._held = self._held + text, ""
        if self._is_in_string:
            end = _STRING_END.search(text)
            if end is None:
                return
            self._is_in_string = False
            text = text[end.end() - (end[0] == "\x1b") :]
        last = text.rfind("\x1b")
        if last >= 0 and len(text) - last <= _MAX_SEQUENCE and _UNFINISHED.fullmatch(text, last):
            text, self._held = text[:last], text[last:]
        elif last >= 0 and _OPEN_STRING.fullmatch(text, last):
            text, self._is_in_string = text[:last], True
        self._obey(text)

    def _obey(self, text: str) -> None:
        for run, control, lines, parameters, between, final, prefix, letter in _TOKENS.findall(text):
            if run:
                self._page.write(run)
            if control:
                self._control(control)
                if lines and not self._write_lines(lines):
                    for line in lines.split("\r\n")[:-1]:
                        self._page.write(_RENDITIONS.sub("", line))
                        self._control("\r\n")
            elif final == "m":
                continue
            elif final:
                self._sequence(final, parameters, between)
            elif letter and not prefix:
                self._escape(letter)

    def _write_lines(self, block: str) -> bool:
        """Take whole lines at once: those that the last screenful pushes off are text as they stand."""
        page, lines = self._page, _RENDITIONS.sub("", block).split("\r\n")[:-1]
        if len(lines) <= page.height or page.left is None or not page.is_plain:
            return False
        gone, rest = lines[: -page.height], lines[-page.height :]
        page.push_all()
        page.left += [line.rstrip(" ") + "\n" for line in gone]
        for line in rest:
            page.write(line)
            page.x = 0
            page.line_feed()
        return True

    def _control(self, control: str) -> None:
        page = self._page
        match control:
            case "\r\n":
                page.x = 0
                page.line_feed()
            case "\n" | "\v" | "\f":
                page.line_feed()
            case "\r":
                page.x = 0
            case "\b":
                page.x = max(page.column - 1, 0)
            case "\t" if page.x < page.columns:
                page.x = min((page.x // TAB_WIDTH + 1) * TAB_WIDTH, page.columns - 1)

    def _escape(self, letter: str) -> None:
        page = self._page
        match letter:
            case "7":
                page.saved = page.x, page.y
            case "8":
                page.x, page.y = min(page.saved[0], page.columns), min(page.saved[1], page.height - 1)
            case "D":
                page.line_feed()
            case "E":
                self._control("\r\n")
            case "M":
                page.reverse_line_feed()
            case "c":
                self._page = self._main
                self._main.reset()
                self._alternate.reset()

    def _set_mode(self, mode: str, *, is_set: bool) -> None:
        if mode == "7":
            self._main.is_autowrap = self._alternate.is_autowrap = is_set
        elif mode in ("47", "1047", "1049"):
            self._switch(mode, is_set=is_set)

    def _switch(self, mode: str, *, is_set: bool) -> None:
        """Go over to the alternate page or back; 1049 does its part also where it was done before."""
        page = self._page
        if is_set and mode == "1049":
            page.saved = page.x, page.y
        x, y = page.x, page.y
        if mode == ("1049" if is_set else "1047") and (is_set or page is self._alternate):
            self._alternate.erase(0, self._alternate.height)
            x = page.column
        self._page = self._alternate if is_set else self._main
        self._page.last_printed = page.last_printed
        self._page.x, self._page.y = self._main.saved if mode == "1049" and not is_set else (x, y)

    def _sequence(self, final: str, parameters: str, between: str) -> None:
        if parameters[:1] == "?" and final in "hl":
            for mode in parameters[1:].split(";"):
                self._set_mode(mode, is_set=final == "h")
        elif final == "p" and between == "!":
            self._main.soft_reset()
            self._alternate.soft_reset()
        elif final in "su" and not parameters and not between:
            self._escape("7" if final == "s" else "8")
        elif not between and parameters[:1] not in ("?", ">", "<", "="):
            numbers = [
                int(part[:_MAX_DIGITS]) if part.isdecimal() else 0 for part in parameters.split(";")[:2]
            ]
            self._page.obey(final, numbers[0], numbers[1] if len(numbers) > 1 else 0)


def _clamped(columns: int, rows: int) -> tuple[int, int]:
    return min(max(columns, 1), MAX_COLUMNS), min(max(rows, 1), MAX_ROWS)
