"""Queries are answered, in the order of the stream; what a program wrote is never told back."""

from __future__ import annotations

import pytest

from ccconsole.terminal.engine import Terminal
from tests.terminal.states import fed

QUERIES = {
    "\x1b[c": "\x1b[?62;22;52c",
    "\x1b[0c": "\x1b[?62;22;52c",
    "\x1bZ": "",
    "\x1b[>c": "\x1b[>1;10;0c",
    "\x1b[=c": "\x1bP!|00000000\x1b\\",
    "\x1b[>0q": "\x1bP>|ccconsole\x1b\\",
    "\x1b[5n": "\x1b[0n",
    "ab\r\nc\x1b[6n": "\x1b[2;2R",
    "0123456789\x1b[6n": "\x1b[1;10R",
    "\x1b[2;3r\x1b[?6h\x1b[6n": "\x1b[1;1R",
    "\x1b[?6n": "\x1b[?1;1;1R",
    "\x1b[?15n": "\x1b[?13n",
    "\x1b[?996n": "\x1b[?997;1n",
    "\x1b[?2026$p": "\x1b[?2026;2$y",
    "\x1b[?2026h\x1b[?2026$p": "\x1b[?2026;1$y",
    "\x1b[?1016$p": "\x1b[?1016;2$y",
    "\x1b[?2027$p": "\x1b[?2027;3$y",
    "\x1b[?7$p": "\x1b[?7;1$y",
    "\x1b[?1049h\x1b[?1049$p": "\x1b[?1049;1$y",
    "\x1b[?9999$p": "\x1b[?9999;0$y",
    "\x1b[4$p": "\x1b[4;2$y",
    "\x1b[20h\x1b[20$p": "\x1b[20;1$y",
    "\x1b[?u": "\x1b[?0u",
    "\x1b[>5u\x1b[?u": "\x1b[?1u",
    "\x1b[>1u\x1b[<u\x1b[?u": "\x1b[?0u",
    "\x1b[=1;1u\x1b[?u": "\x1b[?1u",
    "\x1b[>1u\x1b[=1;3u\x1b[?u": "\x1b[?0u",
    "\x1b[>1u\x1b[?1049h\x1b[?u": "\x1b[?0u",
    "\x1b[14t": "\x1b[4;80;100t",
    "\x1b[16t": "\x1b[6;20;10t",
    "\x1b[18t": "\x1b[8;4;10t",
    "\x1b[x": "\x1b[2;1;1;128;128;1;0x",
    "\x1b]4;1;?\x07": "\x1b]4;1;rgb:cdcd/0000/0000\x1b\\",
    "\x1b]4;0;?;15;?\x1b\\": "\x1b]4;0;rgb:0000/0000/0000\x1b\\\x1b]4;15;rgb:ffff/ffff/ffff\x1b\\",
    "\x1b]4;999;?\x07": "",
    "\x1b]10;?\x07": "\x1b]10;rgb:1111/2222/3333\x1b\\",
    "\x1b]11;?\x1b\\": "\x1b]11;rgb:0000/0000/0000\x1b\\",
    "\x1b]11;red\x07": "",
    "\x1bP$qm\x1b\\": "\x1bP1$r0m\x1b\\",
    "\x1b[1;38;5;9;48;2;1;2;3;4:3m\x1bP$qm\x1b\\": "\x1bP1$r0;1;4:3;38:5:9;48:2::1:2:3m\x1b\\",
    "\x1b[2;3r\x1bP$qr\x1b\\": "\x1bP1$r2;3r\x1b\\",
    "\x1b[4 q\x1bP$q q\x1b\\": "\x1bP1$r4 q\x1b\\",
    "\x1bP$qz\x1b\\": "\x1bP0$r\x1b\\",
    "\x1bP+q544e\x1b\\": "\x1bP0+r\x1b\\",
    "\x1b_Gi=31,s=1,v=1,a=q;AAAA\x1b\\": "",
    "\x05": "",
}


@pytest.mark.parametrize("query", QUERIES)
def test_query(query: str) -> None:
    terminal = Terminal(10, 4)
    terminal.set_colours("#112233", "#000000")
    terminal.feed(query.encode())
    assert terminal.take_replies() == QUERIES[query].encode()


def test_answers_come_in_the_order_of_the_questions() -> None:
    terminal = fed("\x1b[?2026$p\x1b[c\x1b[6n\x1b[>0q\x1b]11;?\x07\x1b[5n")
    replies = terminal.take_replies()
    marks = [b"$y", b"62;22;52c", b"R", b"ccconsole", b"]11;", b"[0n"]
    assert [replies.index(mark) for mark in marks] == sorted(replies.index(mark) for mark in marks)
    assert terminal.take_replies() == b""


@pytest.mark.parametrize(
    "query", ["\x1b[20t", "\x1b[21t", "\x1b]52;c;?\x07", "\x1b]0;?\x07", "\x1b]8;;?\x07"]
)
def test_nothing_a_program_wrote_is_told_back(query: str) -> None:
    terminal = fed("\x1b]2;secret\x07\x1b]52;c;c2VjcmV0\x07" + query)
    assert b"secret" not in terminal.take_replies()
    assert b"c2Vjcm" not in terminal.take_replies()
