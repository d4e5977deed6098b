from __future__ import annotations

from textual.events import Key

from tests.ui.world import console, fleet, row


async def test_a_palette_that_is_closed_while_it_gathers_ends_nothing() -> None:
    rows = [row("dev", f"worker-{number}") for number in range(200)]
    async with console(snapshot=fleet(*rows)) as running:
        app = running.app
        for _ in range(8):
            for key, character in (("ctrl+p", None), ("w", "w"), ("o", "o"), ("escape", None)):
                app.post_message(Key(key, character))
            await running.pilot.pause()
        await running.until(lambda: app.screen is running.fleet)
        await running.press("j")
        assert app.return_code is None
