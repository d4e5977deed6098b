"""Keys, pastes, mouse and focus as xterm sends them."""

from __future__ import annotations

import pytest

from tests.terminal.states import fed

KEYS: list[tuple[str, str | None, bytes]] = [
    ("a", "a", b"a"),
    ("A", "A", b"A"),
    ("é", "é", "é".encode()),
    ("日", "日", "日".encode()),
    ("space", " ", b" "),
    ("exclamation_mark", "!", b"!"),
    ("slash", "/", b"/"),
    ("plus", "+", b"+"),
    ("minus", "-", b"-"),
    ("enter", "\r", b"\r"),
    ("tab", "\t", b"\t"),
    ("shift+tab", None, b"\x1b[Z"),
    ("escape", "\x1b", b"\x1b"),
    ("backspace", "\x7f", b"\x7f"),
    ("ctrl+backspace", None, b"\b"),
    ("alt+backspace", None, b"\x1b\x7f"),
    ("alt+enter", None, b"\x1b\r"),
    ("ctrl+a", "\x01", b"\x01"),
    ("ctrl+z", "\x1a", b"\x1a"),
    ("ctrl+shift+a", None, b"\x01"),
    ("ctrl+@", "\0", b"\0"),
    ("ctrl+space", None, b"\0"),
    ("ctrl+backslash", "\x1c", b"\x1c"),
    ("ctrl+right_square_bracket", "\x1d", b"\x1d"),
    ("ctrl+circumflex_accent", "\x1e", b"\x1e"),
    ("ctrl+underscore", "\x1f", b"\x1f"),
    ("ctrl+slash", None, b"\x1f"),
    ("ctrl+2", None, b"\0"),
    ("ctrl+8", None, b"\x7f"),
    ("alt+a", "a", b"\x1ba"),
    ("alt+shift+a", None, b"\x1bA"),
    ("alt+ctrl+a", None, b"\x1b\x01"),
    ("alt+slash", None, b"\x1b/"),
    ("up", None, b"\x1b[A"),
    ("home", None, b"\x1b[H"),
    ("end", None, b"\x1b[F"),
    ("shift+up", None, b"\x1b[1;2A"),
    ("alt+left", None, b"\x1b[1;3D"),
    ("ctrl+right", None, b"\x1b[1;5C"),
    ("ctrl+shift+end", None, b"\x1b[1;6F"),
    ("insert", None, b"\x1b[2~"),
    ("delete", None, b"\x1b[3~"),
    ("pageup", None, b"\x1b[5~"),
    ("ctrl+pagedown", None, b"\x1b[6;5~"),
    ("f1", None, b"\x1bOP"),
    ("f4", None, b"\x1bOS"),
    ("f5", None, b"\x1b[15~"),
    ("f12", None, b"\x1b[24~"),
    ("shift+f1", None, b"\x1b[1;2P"),
    ("f13", None, b"\x1b[1;2P"),
    ("ctrl+f5", None, b"\x1b[15;5~"),
    ("caps_lock", None, b""),
]


@pytest.mark.parametrize(("key", "character", "expected"), KEYS)
def test_key(key: str, character: str | None, expected: bytes) -> None:
    assert fed("").encode_key(key, character) == expected


@pytest.mark.parametrize(
    ("key", "expected"), [("up", b"\x1bOA"), ("end", b"\x1bOF"), ("ctrl+up", b"\x1b[1;5A")]
)
def test_application_cursor_keys(key: str, expected: bytes) -> None:
    assert fed("\x1b[?1h").encode_key(key) == expected


@pytest.mark.parametrize(
    ("key", "character", "expected"),
    [
        ("escape", "\x1b", b"\x1b[27u"),
        ("ctrl+a", "\x01", b"\x1b[97;5u"),
        ("alt+a", "a", b"\x1b[97;3u"),
        ("shift+enter", None, b"\x1b[13;2u"),
        ("ctrl+space", None, b"\x1b[32;5u"),
        ("enter", "\r", b"\r"),
        ("a", "a", b"a"),
        ("A", "A", b"A"),
        ("up", None, b"\x1b[A"),
    ],
)
def test_disambiguated_keys(key: str, character: str | None, expected: bytes) -> None:
    assert fed("\x1b[>1u").encode_key(key, character) == expected


def test_paste() -> None:
    assert fed("").encode_paste("a\nb") == b"a\rb"
    assert fed("\x1b[?2004h").encode_paste("a\r\nb") == b"\x1b[200~a\rb\x1b[201~"


def test_a_paste_cannot_end_its_brackets() -> None:
    assert fed("\x1b[?2004h").encode_paste("a\x1b[201~rm\x9b") == b"\x1b[200~a[201~rm\x1b[201~"


MOUSE: list[tuple[str, tuple[str, int, int, int, int], bytes]] = [
    ("", ("press", 1, 0, 0, 0), b""),
    ("\x1b[?1000h", ("press", 1, 0, 0, 0), b"\x1b[M !!"),
    ("\x1b[?1000h", ("release", 1, 4, 2, 0), b"\x1b[M#%#"),
    ("\x1b[?1000h", ("move", 1, 4, 2, 0), b""),
    ("\x1b[?1000h", ("press", 1, 300, 2, 0), b""),
    ("\x1b[?9h", ("press", 1, 0, 0, 4), b"\x1b[M !!"),
    ("\x1b[?9h", ("release", 1, 0, 0, 0), b""),
    ("\x1b[?1000h\x1b[?1006h", ("press", 1, 4, 2, 0), b"\x1b[<0;5;3M"),
    ("\x1b[?1000h\x1b[?1006h", ("release", 1, 4, 2, 0), b"\x1b[<0;5;3m"),
    ("\x1b[?1000h\x1b[?1006h", ("press", 3, 300, 2, 16), b"\x1b[<18;301;3M"),
    ("\x1b[?1000h\x1b[?1006h", ("press", 4, 0, 0, 0), b"\x1b[<64;1;1M"),
    ("\x1b[?1000h\x1b[?1006h", ("press", 5, 0, 0, 0), b"\x1b[<65;1;1M"),
    ("\x1b[?1002h\x1b[?1006h", ("move", 1, 0, 0, 0), b"\x1b[<32;1;1M"),
    ("\x1b[?1002h\x1b[?1006h", ("move", 0, 0, 0, 0), b""),
    ("\x1b[?1003h\x1b[?1006h", ("move", 0, 0, 0, 0), b"\x1b[<35;1;1M"),
    ("\x1b[?1003h\x1b[?1003l\x1b[?1006h", ("press", 1, 0, 0, 0), b""),
    ("\x1b[?1000h\x1b[?1016h", ("press", 1, 1, 1, 0), b"\x1b[<0;16;31M"),
]


@pytest.mark.parametrize(("modes", "event", "expected"), MOUSE)
def test_mouse(modes: str, event: tuple[str, int, int, int, int], expected: bytes) -> None:
    assert fed(modes).encode_mouse(*event) == expected


def test_focus() -> None:
    assert fed("").encode_focus(True) == b""
    assert fed("\x1b[?1004h").encode_focus(True) == b"\x1b[I"
    assert fed("\x1b[?1004h").encode_focus(False) == b"\x1b[O"
