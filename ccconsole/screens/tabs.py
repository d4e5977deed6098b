"""The tabs of one service: its tasks, its lines, its charts; each is a screen in the other's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ccconsole.screens.base import ConsoleScreen
from ccconsole.screens.messages import TabAsked
from ccconsole.widgets.bars import TabBar

if TYPE_CHECKING:
    from ccconsole.model.services import ServiceKey

TABS = ("tasks", "logs", "metrics", "revisions")


class ServiceTab(ConsoleScreen):
    """One of them."""

    TAB: ClassVar[str]

    def service_key(self) -> ServiceKey | None:
        """The service; None for a view of several, which has no tabs."""
        return None

    def tab_bar(self) -> TabBar:
        """The line of tabs, with this one chosen."""
        bar = TabBar(TABS, self.TAB)
        bar.display = self.service_key() is not None
        return bar

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without tabs there is none to go to."""
        if action in ("next_tab", "previous_tab") and self.service_key() is None:
            return False
        return super().check_action(action, parameters)

    def action_next_tab(self) -> None:
        """To the right."""
        self._turn(1)

    def action_previous_tab(self) -> None:
        """To the left."""
        self._turn(-1)

    def _turn(self, by: int) -> None:
        if (key := self.service_key()) is not None:
            tab = TABS[(TABS.index(self.TAB) + by) % len(TABS)]
            self.root.post_message(TabAsked(key, tab))
