"""Where a view of entries of different heights is: its top, its cursor, and whether it follows the end.

Only heights of entries in sight are ever asked for, so that a hundred thousand cost no more than ten.
"""

from __future__ import annotations

from collections.abc import Callable


class Places:
    """Numbers of entries; `skipped` rows of the top one are above the view, which is `height` rows tall."""

    def __init__(self, height_of: Callable[[int], int]) -> None:
        self._height_of = height_of
        self.height = 1
        self.count = 0
        self.top = 0
        self.skipped = 0
        self.cursor = 0
        self.is_following = True

    def renumber(self, count: int, top: int, cursor: int) -> None:
        """The entries have other numbers now."""
        self.count = count
        self.top = min(top, max(0, count - 1))
        self.cursor = min(cursor, max(0, count - 1))
        if self.is_following:
            self._to_end()

    def follow(self, *, is_following: bool) -> None:
        """Go to the end and stay there, or stay here."""
        self.is_following = is_following
        if is_following:
            self._to_end()

    def move(self, by: int) -> None:
        """Move the cursor; at the edge of an entry that is taller than the view, scroll it first."""
        if by > 0 and self._rows_below() > 0 and self.cursor == self.visible()[-1][0]:
            self.scroll(min(by, self._rows_below()))
        elif by < 0 and self.cursor == self.top and self.skipped:
            self.scroll(max(by, -self.skipped))
        else:
            self.move_to(self.cursor + by)
            if by < 0 and not self.is_following and self.top == self.cursor:
                # Read backwards, a tall entry begins with its end.
                self.skipped = max(0, self._height_of(self.cursor) - self.height)

    def move_to(self, index: int) -> None:
        """Put the cursor on an entry and bring it into sight; on the last one it follows again."""
        self.cursor = max(0, min(index, self.count - 1))
        self.is_following = self.count == 0 or self.cursor == self.count - 1
        self.reveal()

    def scroll(self, by: int) -> None:
        """Scroll by rows, as far as there are any; the cursor stays in sight."""
        if not self.count:
            return
        self.skipped += by
        while self.skipped < 0 and self.top > 0:
            self.top -= 1
            self.skipped += self._height_of(self.top)
        self.skipped = max(0, self.skipped)
        while self.top < self.count - 1 and self.skipped >= self._height_of(self.top):
            self.skipped -= self._height_of(self.top)
            self.top += 1
        is_at_end = self._fill()
        seen = self.visible()
        self.cursor = max(seen[0][0], min(self.cursor, seen[-1][0]))
        self.is_following = is_at_end and by > 0
        if self.is_following:
            self.cursor = self.count - 1

    def reveal(self) -> None:
        """Bring the entry under the cursor into sight, its first row before its last."""
        if not self.count:
            return
        if self.is_following:
            self._to_end()
        elif self.cursor < self.top or (self.cursor == self.top and self.skipped):
            self.top, self.skipped = self.cursor, 0
        else:
            self._lower_top()
        self._fill()

    def visible(self) -> list[tuple[int, int]]:
        """The entry and the number of its row for each row of the view that has one."""
        rows: list[tuple[int, int]] = []
        index, row = self.top, self.skipped
        while len(rows) < self.height and index < self.count:
            tall = self._height_of(index)
            rows += [(index, number) for number in range(row, min(tall, row + self.height - len(rows)))]
            index, row = index + 1, 0
        return rows

    def thumb(self) -> tuple[int, int]:
        """The rows of a scroll bar that stand for what is in sight."""
        seen = self.visible()
        if not seen:
            return 0, self.height
        size = max(1, round(self.height * (seen[-1][0] - self.top + 1) / self.count))
        room = max(1, self.count - (seen[-1][0] - self.top + 1))
        start = round((self.height - size) * min(1.0, self.top / room))
        return start, start + size

    def _lower_top(self) -> None:
        """The nearest top from which the cursor's entry is wholly in sight, or begins the view."""
        room, index = self.height, self.cursor
        while index >= self.top and room > 0:
            room -= self._height_of(index)
            index -= 1
        if index >= self.top or room < 0:
            self.top, self.skipped = index + 1, max(0, -room)
            if self.top == self.cursor:
                self.skipped = 0

    def _rows_below(self) -> int:
        """How many rows of the last entry in sight are below the view."""
        seen = self.visible()
        return self._height_of(seen[-1][0]) - seen[-1][1] - 1 if seen else 0

    def _to_end(self) -> None:
        self.cursor = max(0, self.count - 1)
        room, index = self.height, self.count
        while index > 0 and room > 0:
            index -= 1
            room -= self._height_of(index)
        self.top, self.skipped = index, max(0, -room)

    def _fill(self) -> bool:
        """Leave no room below the last entry while there are others above; whether the end is in sight."""
        room, index = self.height, self.top
        room += self.skipped
        while index < self.count and room > 0:
            room -= self._height_of(index)
            index += 1
        if room > 0 and (self.top or self.skipped):
            cursor = self.cursor
            self._to_end()
            self.cursor = cursor
        return index >= self.count and room >= 0
