"""The pane under Pilot: what it paints, scrolls, selects, copies, types."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from ccconsole.terminal.canvas import PAINT_INTERVAL
from ccconsole.terminal.engine import Terminal
from ccconsole.terminal.feeder import Feeder
from ccconsole.terminal.selection import whole_text
from ccconsole.terminal.view import TerminalPane


class Host(App[None]):
    """A pane, something else to focus, and what the pane said."""

    def __init__(self, terminal: Terminal, is_interactive: bool) -> None:
        super().__init__()
        self.terminal = terminal
        self.is_interactive = is_interactive
        self.typed = b""
        self.said: list[Message] = []

    def compose(self) -> ComposeResult:
        yield TerminalPane(self.terminal, is_interactive=self.is_interactive)
        yield Input()

    @property
    def pane(self) -> TerminalPane:
        return self.query_one(TerminalPane)

    def on_terminal_pane_typed(self, message: TerminalPane.Typed) -> None:
        self.typed += message.data

    def on_terminal_pane_copied(self, message: TerminalPane.Copied) -> None:
        self.said.append(message)

    def on_terminal_pane_clipboard_requested(self, message: TerminalPane.ClipboardRequested) -> None:
        self.said.append(message)

    def on_terminal_pane_size_changed(self, message: TerminalPane.SizeChanged) -> None:
        self.said.append(message)


@asynccontextmanager
async def running(
    data: str = "",
    *,
    columns: int = 40,
    rows: int = 10,
    size: tuple[int, int] = (40, 13),
    is_interactive: bool = False,
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    """The host, its pane focused and 3 rows lower than the screen."""
    host = Host(Terminal(columns, rows), is_interactive)
    async with host.run_test(size=size) as pilot:
        host.pane.focus()
        host.terminal.feed(data.encode())
        await painted(host)
        yield host, pilot


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, five seconds at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def painted(host: Host) -> None:
    """Wait until the pane has painted what it was asked to."""
    pane = host.pane
    pane.request_paint()
    await until(lambda: not pane._is_paint_due)


def rows(host: Host) -> list[str]:
    """What the pane paints, row by row."""
    pane = host.pane
    return [
        "".join(segment.text for segment in pane.render_line(y)).rstrip() for y in range(pane.size.height)
    ]


def reversed_text(host: Host, y: int) -> str:
    """The text of a row that is painted in reverse."""
    return "".join(
        one.text for one in host.pane.render_line(y) if one.style is not None and one.style.reverse
    )


async def test_the_whole_screen_in_reverse_and_back() -> None:
    async with running("plain \x1b[7mturned\x1b[0m\r\n\r\n\r\n") as (host, _):
        assert reversed_text(host, 0) == "turned"
        for mode, shown in (("h", "plain "), ("l", "turned"), ("h", "plain ")):
            host.terminal.feed(f"\x1b[?5{mode}".encode())
            await painted(host)
            assert reversed_text(host, 0).startswith(shown)
            assert ("turned" in reversed_text(host, 0)) == (shown == "turned")


def numbered(count: int) -> str:
    return "".join(f"line {number}\r\n" for number in range(count))


async def test_it_paints_text_and_styles() -> None:
    async with running("hello \x1b[1;3;31mred\x1b[0m 日本\r\n[/not markup]") as (host, _):
        assert rows(host)[:2] == ["hello red 日本", "[/not markup]"]
        styles = {segment.text: segment.style for segment in host.pane.render_line(0)}
        red = styles["red"]
        assert red is not None
        expected = host.ansi_theme.ansi_colors[1]
        assert (red.bold, red.italic, red.color and red.color.triplet) == (True, True, expected)


async def test_every_row_is_as_wide_as_the_pane() -> None:
    async with running("日本語\r\n👨‍👩‍👧\r\nx" + "e\u0301" * 30, columns=60) as (host, _):
        for y in range(host.pane.size.height):
            assert sum(segment.cell_length for segment in host.pane.render_line(y)) == 40


async def test_wide_characters_at_the_edges() -> None:
    async with running("x" + "日" * 29, columns=60, size=(40, 13)) as (host, _):
        assert rows(host)[0] == "x" + "日" * 19
        host.pane.scroll_columns(2)
        await painted(host)
        assert rows(host)[0] == " " + "日" * 19
        assert sum(segment.cell_length for segment in host.pane.render_line(0)) == 40


async def test_only_changed_rows_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(numbered(5)) as (host, _):
        regions: list[object] = []
        monkeypatch.setattr(host.pane, "refresh", lambda *given, **_: regions.extend(given))
        host.terminal.feed(b"\x1b[3;1Hchanged\x1b[5;1Hline 4\x1b[6;1H")
        await painted(host)
        assert [region.y for region in regions] == [2]  # type: ignore[attr-defined]


async def test_painting_is_at_most_thirty_times_a_second() -> None:
    async with running() as (host, _):
        paints = 0
        paint = host.pane._paint

        def counted() -> None:
            nonlocal paints
            paints += 1
            paint()

        host.pane._paint = counted  # type: ignore[method-assign]
        loop = asyncio.get_running_loop()
        started = loop.time()
        while loop.time() - started < 0.3:
            host.terminal.feed(b"x\r\n" * 10)
            await asyncio.sleep(0.001)
        assert 2 <= paints <= 11


async def test_it_paints_however_little_it_has_to_wait() -> None:
    async with running() as (host, _):
        pane = host.pane
        for microseconds in range(0, 120, 2):
            pane._painted_at = time.monotonic() - PAINT_INTERVAL + microseconds / 1e6
            pane.request_paint()
            await until(lambda: not pane._is_paint_due)


async def test_synchronized_output_is_painted_whole_and_never_held_for_long() -> None:
    async with running("before") as (host, _):
        host.terminal.feed(b"\x1b[?2026h\rAFTER!")
        await asyncio.sleep(0)
        assert rows(host)[0] == "before"
        host.terminal.feed(b"\x1b[?2026l")
        await until(lambda: rows(host)[0] == "AFTER!")
        host.terminal.feed(b"\x1b[?2026h\rnever ended")
        await until(lambda: rows(host)[0] == "never ended")


async def test_it_follows_and_tells_what_was_missed() -> None:
    async with running(numbered(100)) as (host, pilot):
        assert rows(host)[-2] == "line 99"
        await pilot.press("pageup")
        await painted(host)
        assert rows(host)[0] == "line 82"
        host.terminal.feed(b"new\r\n" * 7)
        await painted(host)
        assert rows(host)[0] == "line 82"
        assert rows(host)[-1].endswith("+7 lines")
        await pilot.press("end")
        await painted(host)
        assert (rows(host)[-2], host.pane.is_following, host.pane.missed_lines) == ("new", True, 0)


async def test_it_stays_while_the_scrollback_loses_lines() -> None:
    host = Host(Terminal(40, 10, scrollback_lines=50), False)
    async with host.run_test(size=(40, 13)):
        host.terminal.feed(numbered(100).encode())
        await painted(host)
        host.pane.scroll_lines(-30)
        await painted(host)
        before = rows(host)[0]
        host.terminal.feed(numbered(5).encode())
        await painted(host)
        assert rows(host)[0] == before


@pytest.mark.parametrize(
    ("keys", "first"),
    [(["up"], "line 90"), (["home"], "line 0"), (["home", "down"], "line 1"), (["up", "down"], "line 91")],
)
async def test_scrolling_keys(keys: list[str], first: str) -> None:
    async with running(numbered(100)) as (host, pilot):
        await pilot.press(*keys)
        await painted(host)
        assert rows(host)[0] == first


async def test_a_screen_higher_than_the_pane_is_shown_where_it_ends() -> None:
    async with running(numbered(20), rows=30) as (host, _):
        assert rows(host)[-2] == "line 19"


async def test_dragging_selects_and_copies() -> None:
    async with running("first line\r\nsecond line") as (host, pilot):
        await pilot.mouse_down(host.pane, offset=(6, 0))
        await pilot.hover(host.pane, offset=(5, 1))
        await painted(host)
        assert host.pane.selected_text() == "line\nsecond"
        await pilot.mouse_up(host.pane, offset=(5, 1))
        await until(lambda: bool(host.said))
        assert isinstance(host.said[0], TerminalPane.Copied)
        assert host.said[0].text == host.clipboard == "line\nsecond"


async def test_double_and_triple_click() -> None:
    async with running("see /usr/lib now") as (host, pilot):
        for _ in range(2):
            await pilot.mouse_down(host.pane, offset=(6, 0))
            await pilot.mouse_up(host.pane, offset=(6, 0))
        assert host.clipboard == "/usr/lib"
        await pilot.mouse_down(host.pane, offset=(6, 0))
        await pilot.mouse_up(host.pane, offset=(6, 0))
        assert host.clipboard == "see /usr/lib now"


@pytest.mark.parametrize("count", [0, 30, 2_000])
async def test_the_whole_text_in_slices(count: int) -> None:
    terminal = Terminal(40, 10)
    for number in range(count):
        terminal.feed(
            f"\x1b[31mline {number} {'word ' * (number % 20)}\x1b[0m{chr(10) * (number % 3)}\r\n".encode()
        )
    terminal.feed(b"\n" * 700 + b"end")
    assert await whole_text(terminal) == terminal.text()


async def test_the_programs_clipboard_is_only_reported() -> None:
    async with running("\x1b]52;c;aGVsbG8=\x07") as (host, _):
        await until(lambda: bool(host.said))
        assert isinstance(host.said[0], TerminalPane.ClipboardRequested)
        assert (host.said[0].text, host.clipboard) == ("hello", "")


async def test_search() -> None:
    async with running(numbered(200)) as (host, _):
        assert await host.pane.search("LINE 15$") is False
        assert await host.pane.search(r"line 15\d")
        await painted(host)
        assert "line 159" in rows(host)
        assert await host.pane.search(r"line 15\d")
        assert await host.pane.search(r"line 15\d", is_forward=True)
        assert not await host.pane.search(r"line 15\d", is_forward=True)
        assert await host.pane.search("(") is False


async def test_a_match_stays_in_sight_while_output_flows() -> None:
    host = Host(Terminal(40, 10, scrollback_lines=500), False)
    async with host.run_test(size=(40, 13)):
        host.terminal.feed(numbered(200).encode())
        await painted(host)
        assert await host.pane.search("line 19[57]")
        for _ in range(3):
            host.terminal.feed(b"more\r\n" * 50)
            await painted(host)
            assert "line 197" in rows(host)
        assert rows(host)[-1].endswith("+150 lines")
        assert await host.pane.search("line 19[57]")
        await painted(host)
        assert "line 195" in rows(host)


async def test_a_search_through_all_that_is_held_leaves_room_for_others() -> None:
    async with running(numbered(30_000)) as (host, _):
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        assert not await host.pane.search("nothing of the kind")
        assert turns > 5
        searching = asyncio.create_task(host.pane.search("line 1$"))
        await asyncio.sleep(0)
        host.terminal.feed(numbered(10).encode())
        assert await searching
        task.cancel()


@pytest.mark.parametrize("columns", [13, 30, 100])
async def test_a_resize_keeps_what_is_read_in_sight(columns: int) -> None:
    long = "".join(f"{number}: {'words ' * 5}\r\n" for number in range(300))
    async with running(long) as (host, _):
        host.pane.scroll_lines(-150)
        host.terminal.feed(b"new\r\n" * 3)
        await painted(host)
        first = rows(host)[0].split(":")[0]
        host.terminal.resize(columns, 10)
        await painted(host)
        assert rows(host)[0].split(":")[0] == first
        assert host.pane.missed_lines == 3
        assert not host.pane.is_following


async def test_a_cleared_scrollback_is_followed_again() -> None:
    async with running(numbered(100)) as (host, _):
        host.pane.scroll_lines(-50)
        await painted(host)
        host.terminal.feed(b"\x1b[3J")
        await painted(host)
        host.terminal.feed(b"new")
        await painted(host)
        assert (rows(host)[-1], host.pane.is_following) == ("new", True)


async def test_keys_and_pastes_are_typed() -> None:
    async with running(is_interactive=True) as (host, pilot):
        await pilot.press("a", "ctrl+c", "up", "enter", "tab", "exclamation_mark")
        assert host.typed == b"a\x03\x1b[A\r\t!"
        assert host.focused is host.pane


async def test_keys_are_not_typed_when_it_is_not_interactive() -> None:
    async with running() as (host, pilot):
        await pilot.press("a", "up")
        assert host.typed == b""


async def test_the_release_key_leaves() -> None:
    async with running("\x1b[?1004h", is_interactive=True) as (host, pilot):
        await pilot.press("ctrl+right_square_bracket")
        await until(lambda: host.typed == b"\x1b[O")
        assert host.focused is None


async def test_the_programs_mouse() -> None:
    async with running("\x1b[?1002h\x1b[?1006h", is_interactive=True) as (host, pilot):
        await pilot.mouse_down(host.pane, offset=(4, 2))
        await pilot.hover(host.pane, offset=(5, 2))
        await pilot.mouse_up(host.pane, offset=(5, 2))
        assert host.typed == b"\x1b[<0;5;3M\x1b[<32;6;3M\x1b[<0;6;3m"


async def test_the_cursor_shows_when_focused() -> None:
    async with running("ab日", is_interactive=True) as (host, pilot):
        host.terminal.feed(b"\x1b[1;2H")
        await painted(host)
        assert reversed_text(host, 0) == "b"
        host.terminal.feed(b"\x1b[1;3H")
        await painted(host)
        assert reversed_text(host, 0) == "日"
        host.terminal.feed(b"\x1b[?25l")
        await painted(host)
        assert reversed_text(host, 0) == ""
        host.terminal.feed(b"\x1b[?25h")
        await pilot.press("ctrl+right_square_bracket")
        await painted(host)
        assert reversed_text(host, 0) == ""


async def test_the_size_is_told_when_interactive() -> None:
    async with running(is_interactive=True) as (host, pilot):
        await pilot.resize_terminal(60, 23)
        await until(
            lambda: any(isinstance(one, TerminalPane.SizeChanged) and one.columns == 60 for one in host.said)
        )
        last = host.said[-1]
        assert isinstance(last, TerminalPane.SizeChanged)
        assert (last.columns, last.rows) == (60, 20)
        assert host.terminal.columns == 40


@pytest.mark.parametrize("size", [(1, 4), (2, 5), (200, 60)])
async def test_any_size(size: tuple[int, int]) -> None:
    async with running("日本 text\r\n" * 30, size=size) as (host, pilot):
        assert host.pane.size == (size[0], size[1] - 3)
        host.terminal.resize(*host.pane.size)
        await painted(host)
        await pilot.press("pageup", "home", "end")
        assert len(rows(host)) == size[1] - 3


async def test_another_terminal_takes_its_place() -> None:
    async with running("first") as (host, _):
        other = Terminal(40, 10)
        other.feed(b"second")
        host.pane.show(other)
        await painted(host)
        assert rows(host)[0] == "second"
        host.terminal.feed(b"ignored")
        await painted(host)
        assert rows(host)[0] == "second"


@pytest.mark.parametrize("size", [4 << 10, 1 << 20])
async def test_a_flood_leaves_room_for_others(size: int) -> None:
    """The feeder gives the loop back however small the events are that the flood comes in."""
    feeder = Feeder(Terminal(80, 24))
    flood = b"\x1b[31mcolour\x1b[0m \x1b[5Gtext\r\n" * 40_000
    rests = 0

    async def others() -> None:
        nonlocal rests
        while True:
            rests += 1
            await asyncio.sleep(0.0001)

    task = asyncio.create_task(others())
    for at in range(0, len(flood), size):
        await feeder.feed(flood[at : at + size])
    task.cancel()
    assert rests > 10


@pytest.mark.parametrize("size", [1, 4 << 10, 100_000])
async def test_a_fed_terminal_shows_all(size: int) -> None:
    terminal = Terminal(80, 24)
    feeder = Feeder(terminal)
    text = numbered(1_000)
    for at in range(0, len(text), size):
        await feeder.feed(text[at : at + size].encode())
    assert terminal.text() == text.replace("\r", "").strip()
