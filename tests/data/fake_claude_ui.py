"""The stand-in's terminal UI: dialogs, alternate screen, title, queries, redraws, keys.

It starts with the dialogs that `.claude.json` (below CLAUDE_CONFIG_DIR or HOME) does not answer: no onboarding
done: exit 1, as offline; an untrusted folder: "No, exit" is preset, 1 or arrow up and Enter trusts it; an API
key that is not approved: "No" is preset. A prompt from the command line is sent at once. Replies stream a word
every 0.05 s; "[permission]" asks first (1 allows, 2 or Escape denies), "[slow N]" has N words.
Keys: Enter sends, Ctrl-C or Escape interrupts, Ctrl-C twice when idle exits 0, "/cost", "/exit".
SIGWINCH redraws; SIGINT exits 0, SIGTERM 143, both after writing lastCost and the rest.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import sys
import termios
import time
import tty
import uuid
from pathlib import Path

import fake_claude

QUERIES = (
    b"\x1b[>0q"
    b"\x1b[?u"
    b"\x1b[?2026$p"
    b"\x1b[?1016$p"
    b"\x1b[16t"
    b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
    b"\x1b]11;?\x1b\\"
    b"\x1b[c"
)
PUSHES = b"\x1b[>5u\x1b[>4;2m\x1b[?2004h\x1b[?1004h\x1b[?2031h"
POPS = b"\x1b[<u\x1b[>4m\x1b[?2004l\x1b[?1004l\x1b[?2031l\x1b[?25h"
# What a terminal answers to the queries, and bracketed paste: none of it is typed text.
REPLIES = re.compile(rb"\x1b\[[?>]?[0-9;:]*[$ ]?[A-Za-z~]|\x1b[_P\]][^\x1b\x07]*(?:\x1b\\|\x07)")
WORD_SECONDS = 0.05


class Quit(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


def config_path() -> Path:
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or os.environ["HOME"]) / ".claude.json"


def run(options: dict, prompt: str) -> int:
    try:
        config = json.loads(config_path().read_text())
    except (OSError, ValueError):
        config = {}
    ui = Ui(options)
    attributes = termios.tcgetattr(0)
    signal.signal(signal.SIGINT, lambda *_: ui.leave(0))
    signal.signal(signal.SIGTERM, lambda *_: ui.leave(143))
    signal.signal(signal.SIGHUP, lambda *_: os._exit(0))
    signal.signal(signal.SIGWINCH, lambda *_: ui.draw())
    try:
        tty.setraw(0)
        ui.dialogs(config)
        ui.start()
        if prompt:
            ui.send(prompt)
        while True:
            ahead, ui.typed_ahead = ui.typed_ahead, b""
            ui.key(ahead or ui.read(None))
    except Quit as quit:
        ui.stop(quit.code)
        return quit.code
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, attributes)


class Ui:
    def __init__(self, options: dict) -> None:
        self.options = options
        self.is_inline = bool(os.environ.get("CLAUDE_CODE_DISABLE_ALTERNATE_SCREEN"))
        self.is_started = False
        self.session_id = str(options.get("--session-id") or uuid.uuid4())
        self.started = time.time()
        self.typed = ""
        self.typed_ahead = b""
        self.turns = 0
        self.history: list[str] = []
        self.hint = "? for shortcuts"
        self.armed_at = 0.0
        self.is_busy = False

    # --- screen

    def out(self, data: bytes | str) -> None:
        view = memoryview(data.encode() if isinstance(data, str) else data)
        while view:
            view = view[os.write(1, view) :]

    def title(self) -> None:
        self.out(f"\x1b]0;{'◐' if self.is_busy else '✳'} Claude Code\x07")

    def accent(self) -> str:
        if os.environ.get("NO_COLOR"):
            return ""
        return "\x1b[38;2;215;119;87m" if os.environ.get("COLORTERM") == "truecolor" else "\x1b[38;5;174m"

    def start(self) -> None:
        self.is_started = True
        if not self.is_inline:
            self.out("\x1b[?1049h\x1b[2J\x1b[H\x1b[?1000h\x1b[?1002h\x1b[?1006h")
        self.out(QUERIES + PUSHES)
        self.out(f"{self.accent()}✻ Claude Code stand-in {fake_claude.VERSION}\x1b[39m\r\n{os.getcwd()}\r\n")
        self.title()
        self.box()

    def stop(self, code: int) -> None:
        if not self.is_started:
            return
        self.clear_box()
        self.out(POPS)
        if not self.is_inline:
            self.out("\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?1049l")
        self.out(f"\x1b]0;\x07Resume this session with:\r\nclaude --resume {self.session_id}\r\n")
        self.write_costs()

    def leave(self, code: int) -> None:
        raise Quit(code)

    def draw(self) -> None:
        """All of it again, as after a resize."""
        if not self.is_started:
            return
        self.out("\x1b[2J\x1b[H")
        for line in self.history:
            self.out(line + "\r\n")
        self.box()

    def box(self) -> None:
        columns = max(os.get_terminal_size(1).columns, 10)
        rule = "─" * (columns - 1)
        self.out(
            f"\x1b[2m{rule}\x1b[22m\r\n❯ {self.typed}\r\n\x1b[2m{rule}\x1b[22m\r\n\x1b[2m{self.hint}\x1b[22m"
        )
        self.out("\x1b[2A\r" + f"\x1b[{3 + len(self.typed)}G")

    def clear_box(self) -> None:
        self.out("\x1b[1A\r\x1b[J")

    def say(self, line: str) -> None:
        self.clear_box()
        self.history.append(line)
        self.out(line + "\r\n")
        self.box()

    # --- keys

    def read(self, timeout: float | None) -> bytes:
        if not select.select([0], [], [], timeout)[0]:
            return b""
        data = os.read(0, 65536)
        if not data:
            raise Quit(0)
        return data

    def key(self, data: bytes) -> None:
        for byte in REPLIES.sub(b"", data).decode("utf-8", "replace"):
            if byte == "\x03":
                if time.monotonic() - self.armed_at < 2:
                    raise Quit(0)
                self.armed_at = time.monotonic()
                self.typed, self.hint = "", "Press Ctrl-C again to exit"
            elif byte in "\r\n":
                text, self.typed = self.typed.strip(), ""
                if text:
                    self.send(text)
            elif byte == "\x7f":
                self.typed = self.typed[:-1]
            elif byte.isprintable():
                self.typed += byte
                self.hint = "? for shortcuts"
        self.clear_box()
        self.box()

    def send(self, text: str) -> None:
        if text == "/exit":
            raise Quit(0)
        if text == "/cost":
            self.say(f"Total cost: ${self.turns * 0.001:.4f}")
            return
        self.say(f"❯ {text}")
        if "[permission]" in text and not self.ask():
            self.say("⏺ I was not allowed to.")
            return
        slow = re.search(r"\[slow (\d+)\]", text)
        self.reply([f"word{n}" for n in range(int(slow[1]))] if slow else ["You", "said:", *text.split()])

    def ask(self) -> bool:
        self.say("Do you want to create note.txt?  1. Yes  2. No (esc)")
        while True:
            key = self.read(None)
            if b"1" in key:
                Path("note.txt").write_text("first\nsecond\n")
                return True
            if key in (b"2", b"\x1b", b"\x03"):
                return False

    def reply(self, words: list[str]) -> None:
        self.is_busy = True
        self.turns += 1
        self.title()
        self.clear_box()
        said = "⏺"
        self.out(f"{self.accent()}⏺\x1b[39m")
        for word in words:
            self.out(f" {word}")
            said += f" {word}"
            data = self.read(WORD_SECONDS)
            if data in (b"\x03", b"\x1b"):
                said += "  ⎿ Interrupted"
                self.out("  \x1b[31m⎿ Interrupted\x1b[39m")
                break
            self.typed_ahead += data
        self.history.append(said)
        self.out("\r\n")
        self.is_busy = False
        self.title()
        self.box()

    # --- dialogs and configuration

    def dialogs(self, config: dict) -> None:
        if not config.get("hasCompletedOnboarding"):
            self.out("Welcome to Claude Code\r\nUnable to connect to Anthropic services\r\n")
            raise Quit(1)
        folder = config.get("projects", {}).get(os.getcwd(), {})
        if not folder.get("hasTrustDialogAccepted"):
            if not self.choose(
                f"Do you trust the files in this folder?\r\n{os.getcwd()}", "Yes, I trust it", "No, exit"
            ):
                raise Quit(1)
        suffix = os.environ.get("ANTHROPIC_API_KEY", "")[-20:]
        answers = config.get("customApiKeyResponses", {})
        if suffix and suffix not in answers.get("approved", []) + answers.get("rejected", []):
            self.choose("Detected a custom API key in your environment", "Yes", "No (recommended)")

    def choose(self, question: str, yes: str, no: str) -> bool:
        """A dialog whose preset answer is the second."""
        is_yes = False
        while True:
            marks = ("❯", " ") if is_yes else (" ", "❯")
            self.out(f"\x1b[2J\x1b[H{question}\r\n{marks[0]} 1. {yes}\r\n{marks[1]} 2. {no}\r\n")
            match self.read(None):
                case b"1":
                    return True
                case b"2" | b"\x1b" | b"\x03":
                    return False
                case b"\r":
                    return is_yes
                case b"\x1b[A" | b"\x1b[B" | b"\x1bOA" | b"\x1bOB":
                    is_yes = not is_yes

    def write_costs(self) -> None:
        path = config_path()
        try:
            config = json.loads(path.read_text())
        except (OSError, ValueError):
            config = {}
        config.setdefault("projects", {}).setdefault(os.getcwd(), {}).update(
            lastCost=self.turns * 0.001,
            lastStartTime=int(self.started * 1000),
            lastSessionId=self.session_id,
            lastTotalInputTokens=100 * self.turns,
            lastTotalOutputTokens=20 * self.turns,
            lastTotalCacheReadInputTokens=0,
            lastTotalCacheCreationInputTokens=0,
            lastGracefulShutdown=True,
        )
        temporary = path.with_name(f"{path.name}.tmp.{os.getpid()}")
        temporary.write_text(json.dumps(config))
        temporary.replace(path)


if __name__ == "__main__":
    sys.exit("run fake_claude.py")
