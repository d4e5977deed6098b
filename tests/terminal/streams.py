"""Synthetic output like that of the programs a terminal mostly sees; a stream depends on its seed alone."""

from __future__ import annotations

import random
from collections.abc import Callable

COLUMNS, ROWS = 120, 40

_TEXT = """the build of target src/main.rs returns a value while compile error warning: unused variable lib
test function in module crate 0.12s ok running 128 files and 4 workers"""
_WORDS = _TEXT.split()


def plain(size: int, seed: int = 1) -> bytes:
    """Log lines without any control but CR LF."""
    rng = random.Random(seed)
    lines: list[str] = []
    length = 0
    while length < size:
        line = " ".join(rng.choices(_WORDS, k=rng.randint(4, 16)))[:118]
        lines.append(line)
        length += len(line) + 2
    return "\r\n".join(lines).encode() + b"\r\n"


def listing(size: int, seed: int = 1) -> bytes:
    """ls -l --color."""
    rng = random.Random(seed)
    lines: list[str] = []
    length = 0
    while length < size:
        colour = rng.choice(("01;34", "01;32", "01;36", "00", "01;31", "40;33;01"))
        name = f"{rng.choice(_WORDS).replace('/', '_')}-{rng.randint(1, 999)}"
        shown = f"\x1b[{colour}m{name}\x1b[0m" if colour != "00" else name
        lines.append(
            f"{rng.choice(('-rw-r--r--', 'drwxr-xr-x'))} {rng.randint(1, 9):2} user group "
            f"{rng.randint(1, 9999999):9} Jan {rng.randint(1, 28):2} 12:{rng.randint(0, 59):02} {shown}"
        )
        length += len(lines[-1]) + 2
    return "\r\n".join(lines).encode() + b"\r\n"


def compiler(size: int, seed: int = 1) -> bytes:
    """A compiler's diagnostics: bold, colours, K after each SGR as gcc writes it, long lines."""
    rng = random.Random(seed)
    parts: list[str] = []
    length = 0
    while length < size:
        place = f"src/{rng.choice(_WORDS)}.c:{rng.randint(1, 900)}:{rng.randint(1, 80)}"
        words = " ".join(rng.choices(_WORDS, k=rng.randint(3, 9)))
        kind, colour = rng.choice((("error", "01;31"), ("warning", "01;35"), ("note", "01;36")))
        parts.append(
            f"gcc -O2 -Wall -I include {' '.join(f'-D{word}' for word in rng.choices(_WORDS, k=14))}\r\n"
        )
        parts.append(
            f"\x1b[01m\x1b[K{place}:\x1b[m\x1b[K \x1b[{colour}m\x1b[K{kind}: \x1b[m\x1b[K{words}\r\n"
            f"{rng.randint(1, 900):5} |    \x1b[01;35m\x1b[K{rng.choice(_WORDS)}\x1b[m\x1b[K = {words};\r\n"
            f"      |         \x1b[01;35m\x1b[K^~~~~\x1b[m\x1b[K\r\n"
        )
        length += len(parts[-1]) + len(parts[-2])
    return "".join(parts).encode()


def yes(size: int, seed: int = 1) -> bytes:
    """The program of that name."""
    return b"y\r\n" * (size // 3)


def editor(size: int, seed: int = 1) -> bytes:
    """Like vim: whole-screen redraws of highlighted source, scrolling by region, a status line."""
    rng = random.Random(seed)
    parts = ["\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\x1b[?2004h\x1b[1;40r\x1b[H\x1b[2J"]
    length = 0

    def source(number: int) -> str:
        text = f"\x1b[38;5;130m{number:4} \x1b[m" + " " * (4 * rng.randint(0, 3))
        for word in rng.choices(_WORDS, k=rng.randint(2, 8)):
            text += f"\x1b[3{rng.randint(1, 6)}m{word}\x1b[m " if rng.random() < 0.4 else f"{word} "
        return text

    number = 1
    while length < size:
        if rng.random() < 0.3:
            frame = "\x1b[?25l\x1b[H" + "\r\n".join(f"{source(number + y)}\x1b[K" for y in range(ROWS - 1))
        else:
            count = rng.randint(1, 6)
            frame = f"\x1b[?25l\x1b[1;39r\x1b[39;1H{chr(10) * count}\x1b[1;40r"
            frame += "".join(f"\x1b[{39 - count + y + 1};1H{source(number + y)}\x1b[K" for y in range(count))
        number += 7
        frame += f"\x1b[40;1H\x1b[7m-- INSERT --\x1b[m\x1b[40;100H{number},{rng.randint(1, 80)}\x1b[K"
        frame += f"\x1b[{rng.randint(1, 39)};{rng.randint(1, 80)}H\x1b[?25h"
        for _ in range(rng.randint(0, 20)):
            frame += rng.choice("abcdefg ") + ("\b\x1b[K" if rng.random() < 0.1 else "")
        parts.append(frame)
        length += len(frame)
    return "".join(parts).encode()


def monitor(size: int, seed: int = 1) -> bytes:
    """Like htop: meters and a table of short coloured fields, redrawn in place."""
    rng = random.Random(seed)
    parts = ["\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[H\x1b[2J"]
    length = 0
    while length < size:
        frame = ""
        for y in range(4):
            bar = "|" * rng.randint(1, 40)
            frame += f"\x1b[{y + 1};3H\x1b[36m{y}\x1b[39m\x1b[1m[\x1b[32m{bar[:20]}\x1b[31m{bar[20:]}"
            frame += f"\x1b[{max(41 - len(bar), 1)}C\x1b[90m{rng.random() * 100:4.1f}%\x1b[39m]\x1b(B\x1b[m"
        frame += (
            "\x1b[6;1H\x1b[30;42m    PID USER      PRI  NI  VIRT   RES   SHR S CPU% MEM%   TIME+  Command"
        )
        frame += "\x1b[K\x1b[m"
        for y in range(7, 40):
            frame += (
                f"\x1b[{y};1H{rng.randint(1, 99999):7} \x1b[90muser\x1b[39m\x1b[15G{rng.randint(0, 39):3} "
                f"{rng.randint(0, 19):3} \x1b[36m{rng.randint(1, 99)}M \x1b[32m{rng.randint(1, 999)}\x1b[39m "
                f"\x1b[1mS\x1b[m {rng.random() * 9:4.1f} {rng.random() * 9:4.1f}  "
                f"\x1b[36m0:{rng.random() * 60:05.2f}\x1b[39m {rng.choice(_WORDS)}\x1b[K"
            )
        frame += "\x1b[40;1HF1\x1b[30;46mHelp  \x1b[mF2\x1b[30;46mSetup \x1b[m"
        parts.append(frame)
        length += len(frame)
    return "".join(parts).encode()


def inline_ui(size: int, seed: int = 1) -> bytes:
    """Like a program on Ink: erases its lines upwards and writes them again, boxes, a spinner, emoji."""
    rng = random.Random(seed)
    parts: list[str] = []
    length = 0
    height = 0
    while length < size:
        erase = "\x1b[2K" + "\x1b[1A\x1b[2K" * height + "\x1b[G" if height else ""
        spinner = f"\x1b[38;2;215;119;87m{rng.choice('⠋⠙⠹⠸⠼⠴')}\x1b[39m"
        rows = [f"{spinner} \x1b[2mThinking… ({rng.randint(1, 99)}s)\x1b[22m"]
        rows.append("\x1b[38;5;244m╭" + "─" * 100 + "╮\x1b[39m")
        for _ in range(rng.randint(2, 8)):
            words = " ".join(rng.choices(_WORDS, k=rng.randint(3, 10)))[:90]
            rows.append(f"\x1b[38;5;244m│\x1b[39m \x1b[1m●\x1b[22m {words:<96} \x1b[38;5;244m│\x1b[39m")
        rows.append("\x1b[38;5;244m╰" + "─" * 100 + "╯\x1b[39m")
        height = len(rows)
        frame = f"\x1b[?2026h{erase}" + "\r\n".join(rows) + "\r\n\x1b[?2026l"
        parts.append(frame)
        length += len(frame.encode())
    return "".join(parts).encode()


def unicode_text(size: int, seed: int = 1) -> bytes:
    """Lines of Japanese, Korean, emoji, box drawing and accents."""
    rng = random.Random(seed)
    pieces = (
        "日本語のテキスト",
        "漢字仮名",
        "한국어 문장",
        "hello world",
        "😀🎉🚀",
        "“quoted” — text",
        "│ ├─ └─",
        "naïve café",
    )
    lines: list[str] = []
    length = 0
    while length < size:
        lines.append(" ".join(rng.choices(pieces, k=rng.randint(3, 7))))
        length += len(lines[-1].encode()) + 2
    return "\r\n".join(lines).encode() + b"\r\n"


def hostile(size: int, seed: int = 1) -> bytes:
    """Bits of sequences, random bytes and pieces of the other streams, in no order."""
    rng = random.Random(seed)
    others = [make(4096, seed) for make in (listing, compiler, editor, monitor, inline_ui, unicode_text)]
    bits = (
        b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b\\", b"\x9b", b"\xc2\x9b", b"\xc2\x9d",
        b"\x07", b"\x18", b"999999999", b";", b":", b"m", b"H", b"J", b"?1049h", b"?1049l", b"\xf0\x9f",
        b"\xcc\x81", b"\xe2\x80\x8d", b"\x1b[?6h", b"\x1b[5;10r", b"\x1b[4h", b"\x1b[?7l", b"\x1b(0",
        b"\x0e", b"\x0f", b"\x1b7", b"\x1b8", b"\x1bM", b"\x1b[9999b", b"\x1b[99L", b"\x1b[99M",
        b"\x1b[99P", b"\x1b[99@", b"\x1b[3J", b"\x1b#8", b"\x1bc", b"\x1b[!p", b"\x1b]8;;http://x/",
        b"\x1b]0;t", b"\x1b[48;2;1;2;3m", b"\x1b[6n", b"\x1b[c", b"\t", b"\r", b"\n", b"\b",
    )  # fmt: skip
    out = bytearray()
    while len(out) < size:
        kind = rng.random()
        if kind < 0.4:
            out += rng.choice(bits)
        elif kind < 0.7:
            out += bytes(rng.randrange(256) for _ in range(rng.randint(1, 12)))
        else:
            other = rng.choice(others)
            at = rng.randrange(len(other))
            out += other[at : at + rng.randint(1, 200)]
    return bytes(out)


ALL: dict[str, Callable[[int, int], bytes]] = {
    "plain lines": plain,
    "ls --color": listing,
    "compiler": compiler,
    "yes": yes,
    "vim": editor,
    "htop": monitor,
    "Ink-style UI": inline_ui,
    "wide Unicode": unicode_text,
    "hostile bytes": hostile,
}
