from __future__ import annotations

import stat
from pathlib import Path

from ccconsole.screens.history import LIMIT, LIMIT_BYTES, PromptHistory


def test_it_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "prompts.jsonl"
    history = PromptHistory(path)
    history.add("two\nlines \ud800 \x1b[31m")
    history.add("other")
    history.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    again = PromptHistory(path)
    again.load()
    assert again.entries == ["two\nlines \ud800 \x1b[31m", "other"]


def test_each_prompt_is_there_once_and_its_last_use_counts() -> None:
    history = PromptHistory(None)
    for prompt in ("a", "b", "a", "c", "b"):
        history.add(prompt)
    assert history.entries == ["a", "c", "b"]


def test_it_is_bounded_in_entries_and_bytes() -> None:
    history = PromptHistory(None)
    for number in range(LIMIT + 10):
        history.add(str(number))
    assert history.entries == [str(number) for number in range(10, LIMIT + 10)]
    history.add("x" * LIMIT_BYTES)
    assert len(history.entries) == 1
    history.add("small")
    assert history.entries == ["small"]


def test_a_damaged_file_loses_only_its_damaged_lines(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(b'"first"\n{broken\n42\n""\n\xff\xfe\n"last"\n')
    history = PromptHistory(path)
    history.load()
    assert history.entries == ["first", "last"]
