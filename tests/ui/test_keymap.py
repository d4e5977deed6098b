from __future__ import annotations

from pathlib import Path

import pytest

from ccconsole import commands, keymap
from ccconsole.commands import Place
from ccconsole.errors import ConfigError
from tests.ui.world import console


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_is_all_defaults(tmp_path: Path) -> None:
    assert keymap.load(tmp_path / "none.toml") == keymap.Settings()


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'colour = "red"\n[keys]\nfiltre = "f5"\nprompt = 3\nmark = "hyperspace+x"\nfilter = "p"\n',
    )
    with pytest.raises(ConfigError) as caught:
        keymap.load(path)
    told = caught.value.detail.splitlines()
    assert caught.value.title == f"{path}: 5 mistakes"
    assert [line.partition(":")[0] for line in told] == [
        "colour",
        "keys.filtre",
        "keys.prompt",
        "keys.mark",
        "keys",
    ]
    assert "did you mean filter?" in told[1]
    assert "p would be both filter and prompt" in told[4]


def test_broken_toml_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no TOML") as caught:
        keymap.load(written(tmp_path, "[keys\n"))
    assert "line 1" in caught.value.detail


@pytest.mark.parametrize("place", Place)
def test_the_defaults_do_not_clash(place: Place) -> None:
    seen: dict[str, str] = {}
    for command in commands.at(place):
        for key in filter(None, command.keys.split(",")):
            assert key not in seen, f"{command.id} and {seen[key]} are both {key}"
            seen[key] = command.id


def test_ids_are_unique() -> None:
    assert len(commands.BY_ID) == len(commands.COMMANDS)


async def test_a_remapped_key_works_and_its_old_one_does_not(tmp_path: Path) -> None:
    settings = keymap.load(written(tmp_path, '[keys]\nproblems = "f5,!"\nfleet = "f6"\n'))
    async with console(settings=settings) as running:
        await running.press("ctrl+z")
        assert not running.fleet.is_trouble_only
        await running.press("f5")
        assert running.fleet.is_trouble_only
        await running.press("exclamation_mark")
        assert not running.fleet.is_trouble_only
        assert "f5 Problems" in running.text
        await running.press("2")
        assert running.app.desk.environment == "dev"
        await running.press("f6")
        await running.until(lambda: running.app.desk.environment is None)


async def test_help_shows_the_keys_as_they_are_bound(tmp_path: Path) -> None:
    settings = keymap.load(written(tmp_path, '[keys]\nmark = "f7"\n'))
    async with console(settings=settings, size=(120, 50)) as running:
        await running.press("question_mark")
        await running.until(lambda: "Keys and commands" in running.text)
        line = next(line for line in running.text.splitlines() if "Mark the row" in line)
        assert "f7" in line
        assert "space" not in line
