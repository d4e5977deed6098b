"""The secrets that services declare: versions, ages, readers; never what is in them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import ClassVar

from textual.app import ComposeResult

from ccconsole.commands import Place
from ccconsole.model.secrets import Secret
from ccconsole.screens.base import bindings
from ccconsole.screens.inspecting import InspectingScreen, Item
from ccconsole.widgets.bars import TitleLine
from ccconsole.widgets.check_rows import SECRET_COLUMNS, secret_rows
from ccconsole.widgets.rows import Row
from ccconsole.widgets.table import RowTable
from ccconsole.widgets.text import Span, Tone


class SecretsScreen(InspectingScreen):
    """A value is typed where nobody sees it, in the shell; `c` copies the command for that."""

    PLACE: ClassVar = Place.SECRETS
    BINDINGS: ClassVar = bindings(Place.SECRETS)

    def body(self) -> ComposeResult:
        """The table under its title."""
        yield TitleLine()
        yield RowTable(SECRET_COLUMNS, empty="no secret is declared", id="secret-table")

    def trail(self) -> tuple[str, ...]:
        """Fleet, secrets."""
        return ("fleet", "secrets")

    def heading(self) -> Span:
        """Of all, or of one environment."""
        return Span(f"secrets ({self.desk.environment or 'all'})", Tone.STRONG)

    def heading_parts(self) -> Sequence[Span]:
        """How one is changed."""
        return [Span("c copies the command that rotates it", Tone.DIM)]

    async def items_of(self, environment: str) -> AsyncGenerator[Item, None]:
        """All that the environment declares."""
        for secret in await self.desk.backend.secrets(self.desk.environment_of(environment)):
            yield secret

    def item_rows(self, items: Sequence[Item]) -> list[Row]:
        """A line each."""
        secrets = (item for item in items if isinstance(item, Secret))
        return secret_rows(secrets, self.desk.config.environments, self.desk.now())

    def _secret(self, key: object) -> Secret | None:
        secrets = (item for item in self.shown_items() if isinstance(item, Secret))
        return next((secret for secret in secrets if (secret.environment, secret.name) == key), None)

    def open_row(self, key: object) -> None:
        """Its versions and readers in full."""
        if (secret := self._secret(key)) is None:
            return
        versions = [f"version {version.number} {version.state}" for version in secret.versions]
        words = "\n".join([*versions, *(f"read by {reader}" for reader in secret.readers)])
        self.tell(f"{secret.environment}: {secret.name}", words or "it is not there")

    def copied(self, key: object) -> str | None:
        """The command that rotates it, or sets its first value."""
        secret = self._secret(key)
        if secret is None:
            return None
        verb = "rotate" if secret.is_there else "set"
        return f"ccconsole secrets {verb} {secret.environment} {secret.name}"
