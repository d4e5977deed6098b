"""The commands that change a service or run a file on it: each is shown before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccconsole.screens.base import ConsoleScreen
from ccconsole.screens.messages import BatchAsked, RolloutAsked
from ccconsole.widgets.line_input import Asked

if TYPE_CHECKING:
    from ccconsole.model.services import ServiceKey


class ServiceChange(ConsoleScreen):
    """Screens that have a service under the cursor, or are of one."""

    def service_key(self) -> ServiceKey | None:
        """The service that is meant."""
        return None

    def _ask_rollout(self, verb: str, words: str = "") -> None:
        self.root.post_message(RolloutAsked(self.service_key(), verb, tuple(words.split())))

    def chosen_keys(self) -> tuple[ServiceKey, ...]:
        """The services that prompts are for."""
        key = self.service_key()
        return () if key is None else (key,)

    def action_batch(self, text: str = "") -> None:
        """From the file that is given, or that the line is written for."""
        if text:
            self.root.post_message(BatchAsked(self.chosen_keys(), text))
        else:
            self.ask(Asked.COMMAND, "batch ")

    def action_deploy(self, words: str = "") -> None:
        """What deploy.toml declares; `canary 10` lets it prove itself with a tenth of the requests."""
        self._ask_rollout("deploy", words)

    def action_rollback(self, words: str = "") -> None:
        """To the revision before, or to the named one."""
        self._ask_rollout("rollback", words)

    def action_traffic(self, words: str = "") -> None:
        """By the shares that are given, or that the line is written for."""
        if words:
            self._ask_rollout("traffic", words)
        else:
            self.ask(Asked.COMMAND, "traffic latest=100")

    def action_scale(self, words: str = "") -> None:
        """To the bounds that are given, or that the line is written for."""
        if words:
            self._ask_rollout("scale", words)
            return
        key = self.service_key()
        row = self.desk.row(key) if key is not None else None
        low, high = (row.service.min_instances, row.service.max_instances or 1) if row else (0, 1)
        self.ask(Asked.COMMAND, f"scale {low} {high}")

    def action_delete(self) -> None:
        """With all its revisions."""
        self._ask_rollout("delete")
