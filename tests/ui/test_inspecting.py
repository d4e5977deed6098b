from __future__ import annotations

from ccconsole.errors import Denied
from ccconsole.model.checks import Check, CheckState
from ccconsole.model.secrets import Secret, SecretVersion
from ccconsole.screens.doctor import DoctorScreen
from ccconsole.screens.secrets import SecretsScreen
from tests.ui.world import NOW, Console, console


async def asked(running: Console, word: str) -> None:
    await running.press("colon")
    await running.write(word)
    await running.press("enter")


async def test_the_doctor_tells_the_gravest_first_with_what_mends_it() -> None:
    async with console() as running:
        running.world.found_checks = {
            "dev": [
                Check("dev", "login", CheckState.OK, "signed in"),
                Check("dev", "API x", CheckState.FAILED, "off in acme", "gcloud services enable x", 4),
            ],
            "prod": Denied("Not allowed to look at prod", "", "gcloud y"),
        }
        await asked(running, "doctor")
        await running.until(lambda: isinstance(running.app.screen, DoctorScreen))
        await running.until(
            lambda: "Not allowed to look at prod" in running.text and "… reading" not in running.text
        )
        assert running.text.index("off in acme") < running.text.index("signed in")
        assert "✗ 1 failed" in running.text
        await running.press("g", "j", "c")
        assert running.app.clipboard == "gcloud services enable x"
        running.world.found_checks = {}
        await running.press("ctrl+r")
        await running.until(lambda: "off in acme" not in running.text)
        await running.press("escape")
        await running.until(lambda: running.app.screen is running.fleet)


async def test_secrets_are_listed_without_what_is_in_them() -> None:
    async with console() as running:
        versions = (SecretVersion("3", "enabled", NOW - 3600), SecretVersion("2", "disabled", NOW - 9000))
        running.world.found_secrets = {
            "dev": [
                Secret("dev", "dev-key", ("ANTHROPIC_API_KEY",), versions, ("serviceAccount:worker@x",)),
                Secret("dev", "dev-token", ("CLAUDE_CLI_SESSION_TOKEN",), is_there=False),
            ],
            "prod": Denied("Not allowed to list prod", "", "gcloud y"),
        }
        await asked(running, "secrets")
        await running.until(lambda: isinstance(running.app.screen, SecretsScreen))
        await running.until(lambda: "✗ not there" in running.text)
        for words in ("3 on, 1 off", "1h", "serviceAccount:worker@x", "Not allowed to list prod"):
            assert words in running.text, words
        await running.press("c")
        assert running.app.clipboard == "ccconsole secrets rotate dev dev-key"
        await running.press("j", "c")
        assert running.app.clipboard == "ccconsole secrets set dev dev-token"
        await running.press("enter")
        assert "it is not there" in running.told
