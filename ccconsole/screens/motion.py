"""Moving through what a full screen shows: lines, pages, ends. A screen says what a step is."""

from __future__ import annotations


class Motion:
    """The actions of the motion keys over four methods that a screen has of its own."""

    @property
    def page(self) -> int:
        """How many lines are in sight."""
        return 1

    def step(self, by: int) -> None:
        """Move by lines."""

    def stride(self, by: int) -> None:
        """Move by so many lines at once, as a page does."""
        self.step(by)

    def leap(self, *, is_to_end: bool) -> None:
        """Move to the first line, or to the last."""

    def action_cursor_down(self) -> None:
        """A line down."""
        self.step(1)

    def action_cursor_up(self) -> None:
        """A line up."""
        self.step(-1)

    def action_cursor_top(self) -> None:
        """To the first line."""
        self.leap(is_to_end=False)

    def action_cursor_bottom(self) -> None:
        """To the last line."""
        self.leap(is_to_end=True)

    def action_page_down(self) -> None:
        """A page down."""
        self.stride(self.page)

    def action_page_up(self) -> None:
        """A page up."""
        self.stride(-self.page)

    def action_half_down(self) -> None:
        """Half a page down."""
        self.stride(self.page // 2)

    def action_half_up(self) -> None:
        """Half a page up."""
        self.stride(-(self.page // 2))
