"""What the operator types reaches a program as it was typed, and the console as keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from ccconsole import keyboard
from ccconsole.keyboard import KeyParser
from ccconsole.terminal.engine import Terminal

NAMES: list[tuple[str, list[str]]] = [
    ("\x1b:wq\r", ["alt+colon", "w", "q", "enter"]),
    ("\x1bi", ["alt+i"]),
    ("\x1bI", ["alt+shift+i"]),
    ("\x1b1", ["alt+1"]),
    ("\x1b ", ["alt+space"]),
    ("\x1bé", ["alt+é"]),
    ("\x1b\r", ["alt+enter"]),
    ("\x1b\x03", ["escape", "ctrl+c"]),
    ("\x1b\x1bx", ["escape", "alt+x"]),
    ("\x1b[A", ["up"]),
    ("\x1b\x1b[A", ["escape", "up"]),
    ("\x1bOA", ["up"]),
    ("\x1bOP", ["f1"]),
    ("\x1bOhi", ["alt+shift+o", "h", "i"]),
    ("\x1bOd", ["ctrl+left"]),
    ("\x1bO\x1b:", ["alt+shift+o", "alt+colon"]),
    ("\x1b[\x1b:", ["alt+left_square_bracket", "alt+colon"]),
    # What Textual takes for the editing of a line stays so.
    ("\x1bb", ["ctrl+left"]),
    ("\x1bf", ["ctrl+right"]),
    ("\x1b\x7f", ["ctrl+w"]),
]


def keys(messages: Iterable[Message]) -> list[events.Key]:
    return [message for message in messages if isinstance(message, events.Key)]


def typed(chunks: list[str]) -> list[events.Key]:
    """The keys of what arrives in these pieces, one right after the other, then the end of the input."""
    parser = KeyParser()
    found = [key for chunk in chunks if chunk for key in keys(parser.feed(chunk))]
    return found + keys(parser.feed(""))


def sent(pressed: Iterable[events.Key]) -> str:
    """What the program in a pane is sent for them."""
    terminal = Terminal(80, 24)
    return b"".join(terminal.encode_key(*key) for event in pressed for key in keyboard.typed(event)).decode()


@pytest.mark.parametrize(("text", "names"), NAMES)
def test_an_escape_and_a_key_soon_after_it(text: str, names: list[str]) -> None:
    assert [key.key for key in typed([text])] == names


@pytest.mark.parametrize("text", ["\x1b:wq\r", "\x1b\x03", "\x1bOhi", "\x1bOabove", "\x1bx"])
def test_nothing_waits_for_silence(text: str) -> None:
    """Whether more follows is known from the character after the ESC."""
    assert sent(keys(KeyParser().feed(text))) == text


def test_a_key_with_alt_inserts_nothing() -> None:
    """An input would insert the character of a key that has one."""
    assert [key.character for key in typed(["\x1bq"])] == [None]


CHARACTERS = st.sampled_from("\x1b\x1b\x1b\x1babjpAB:1OO[ /é日\r\t\x7f\x03\x1d")
IS_A_SEQUENCE = re.compile(r"\x1bO[0-9AB]|\x1b\[[^\x1b]")
"""What a terminal sends for a key, and nobody can tell from the same characters typed."""


@given(st.lists(CHARACTERS, max_size=12).map("".join), st.lists(st.integers(0, 12)))
def test_whatever_is_typed_reaches_the_program(text: str, cuts: list[int]) -> None:
    while IS_A_SEQUENCE.search(text):
        text = IS_A_SEQUENCE.sub("", text)
    edges = [0, *sorted(cuts), len(text)]
    chunks = [text[start:end] for start, end in pairwise(edges)]
    assert sent(typed(chunks)) == text


def test_a_paste_is_one_paste() -> None:
    assert [
        message.text
        for message in KeyParser().feed("\x1b[200~one\r:two\x1b[201~")
        if isinstance(message, events.Paste)
    ] == ["one\r:two"]
