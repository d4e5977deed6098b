"""Control functions that move the cursor, set tabs and margins, save and restore."""

from __future__ import annotations

from ccconsole.terminal.engine.screen import TAB_WIDTH, SavedCursor, Screen


def up(screen: Screen, count: int) -> None:
    """CUU: stops at the top margin when it starts inside the region."""
    limit = screen.top if screen.y >= screen.top else 0
    screen.y = max(screen.y - count, limit)
    screen.x = screen.column


def down(screen: Screen, count: int) -> None:
    """CUD: stops at the bottom margin when it starts inside the region."""
    limit = screen.bottom if screen.y <= screen.bottom else screen.height - 1
    screen.y = min(screen.y + count, limit)
    screen.x = screen.column


def forward(screen: Screen, count: int) -> None:
    """CUF, HPR."""
    screen.x = min(screen.x + count, screen.columns - 1)


def back(screen: Screen, count: int) -> None:
    """CUB."""
    screen.x = max(screen.column - count, 0)


def next_line(screen: Screen, count: int) -> None:
    """CNL."""
    down(screen, count)
    screen.x = 0


def previous_line(screen: Screen, count: int) -> None:
    """CPL."""
    up(screen, count)
    screen.x = 0


def down_rows(screen: Screen, count: int) -> None:
    """VPR: knows no margin but in origin mode."""
    screen.y = min(screen.y + count, screen.bottom if screen.is_origin else screen.height - 1)
    screen.x = screen.column


def column(screen: Screen, column: int) -> None:
    """CHA, HPA: 1 is the first column."""
    screen.x = min(column, screen.columns) - 1


def row(screen: Screen, row: int) -> None:
    """VPA: 1 is the first row, or the top margin in origin mode."""
    position(screen, row, screen.column + 1)


def position(screen: Screen, row: int, column: int) -> None:
    """CUP, HVP."""
    screen.x = min(column, screen.columns) - 1
    if screen.is_origin:
        screen.y = min(screen.top + row - 1, screen.bottom)
    else:
        screen.y = min(row, screen.height) - 1


def carriage_return(screen: Screen) -> None:
    """CR."""
    screen.x = 0


def backspace(screen: Screen) -> None:
    """BS."""
    screen.x = max(screen.column - 1, 0)


def line_feed(screen: Screen) -> None:
    """LF, VT, FF: in newline mode a carriage return too."""
    screen.x = 0 if screen.is_newline_mode else screen.column
    screen.line_feed()


def carriage_return_line_feed(screen: Screen) -> None:
    """CR LF, which programs mostly send together."""
    screen.x = 0
    screen.line_feed()


def index(screen: Screen) -> None:
    """IND: down, scrolling at the bottom margin."""
    screen.x = screen.column
    screen.line_feed()


def next_line_scrolling(screen: Screen) -> None:
    """NEL."""
    screen.x = 0
    screen.line_feed()


def reverse_index(screen: Screen) -> None:
    """RI: up, scrolling down at the top margin."""
    screen.x = screen.column
    if screen.y == screen.top:
        screen.scroll_down(1)
    elif screen.y > 0:
        screen.y -= 1


def tab(screen: Screen) -> None:
    """HT."""
    forward_tabs(screen, 1)


def forward_tabs(screen: Screen, count: int) -> None:
    """CHT."""
    last = screen.columns - 1
    if screen.x > last:
        return
    for _ in range(min(count, screen.columns)):
        x = screen.x + 1
        while x < last and x not in screen.tabs:
            x += 1
        screen.x = min(x, last)


def back_tabs(screen: Screen, count: int) -> None:
    """CBT."""
    x = screen.column
    for _ in range(min(count, screen.columns)):
        x -= 1
        while x > 0 and x not in screen.tabs:
            x -= 1
    screen.x = max(x, 0)


def set_tab(screen: Screen) -> None:
    """HTS."""
    screen.tabs.add(screen.column)


def clear_tabs(screen: Screen, which: int) -> None:
    """TBC: 0 here, 3 everywhere."""
    if which == 0:
        screen.tabs.discard(screen.column)
    elif which == 3:
        screen.tabs.clear()


def reset_tabs(screen: Screen, which: int) -> None:
    """DECST8C: a stop every eight columns."""
    if which == 5:
        screen.tabs = set(range(TAB_WIDTH, screen.columns, TAB_WIDTH))


def set_margins(screen: Screen, top: int, bottom: int) -> None:
    """DECSTBM; a region of less than two rows is refused."""
    last = min(bottom or screen.height, screen.height)
    if top < last:
        screen.top = top - 1
        screen.bottom = last - 1
        position(screen, 1, 1)


def save(screen: Screen) -> None:
    """DECSC, SCOSC."""
    screen.buffer.saved = SavedCursor(
        screen.x,
        screen.y,
        screen.pen,
        tuple(screen.charsets),
        screen.shift,
        screen.is_origin,
    )


def restore(screen: Screen) -> None:
    """DECRC, SCORC: home when nothing was saved."""
    saved = screen.buffer.saved
    screen.x = min(saved.x, screen.columns)
    screen.y = min(saved.y, screen.height - 1)
    screen.pen = saved.pen
    screen.charsets = list(saved.charsets)
    screen.shift = saved.shift
    screen.is_origin = saved.is_origin
    screen.update_directness()


def designate(screen: Screen, slot: int, charset: str) -> None:
    """SCS for G0..G3."""
    screen.charsets[slot] = charset
    screen.update_directness()


def shift(screen: Screen, slot: int) -> None:
    """SI, SO, LS2, LS3: G0..G3 into use."""
    screen.shift = slot
    screen.update_directness()


def single_shift(screen: Screen, slot: int) -> None:
    """SS2, SS3: G2 or G3 for the next character."""
    screen.single_shift = slot
    screen.update_directness()
