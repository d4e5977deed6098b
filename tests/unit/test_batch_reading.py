"""Files of prompts: what is a prompt in them, what is a mistake, and the ids that stay the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccconsole.batches import PromptLine, batch_name, checked_name, naming, place, read
from ccconsole.config import Environment, ServiceSpec
from ccconsole.errors import ConfigError
from ccconsole.model.services import ServiceKey
from worker_service.wire import MAX_PROMPT_BYTES, Mode


def lines(text: str | bytes, **defaults: Any) -> list[PromptLine]:
    data = text if isinstance(text, bytes) else text.encode()
    return read(data, "work.txt", is_objects=False, defaults=defaults)


def objects(*values: object, **defaults: Any) -> list[PromptLine]:
    said = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return read("\n".join(said).encode(), "work.ndjson", is_objects=True, defaults=defaults)


def test_a_line_is_a_prompt() -> None:
    text = "\ufeff# the first\n\n  Mend the build \r\n#no\nSay \u2028 this\nuse # inside"
    assert [(line.line, line.prompt) for line in lines(text)] == [
        (3, "Mend the build"),
        (5, "Say \u2028 this"),
        (6, "use # inside"),
    ]


def test_an_object_says_how_its_prompt_is_run() -> None:
    said = {
        "prompt": "Mend\nit",
        "priority": 9,
        "mode": "supervised",
        "model": "opus",
        "timeoutSeconds": 60,
        "maxTurns": 3,
        "maxBudgetUsd": 1.5,
        "permissionMode": "plan",
        "allowedTools": ["Bash"],
        "workspace": "w",
        "metadata": {"ticket": 7},
        "target": "dev/worker",
        "id": "mine",
    }
    plain, full = objects({"prompt": "x"}, "", said, model="haiku", priority=2)
    request = full.request({"model": "haiku", "priority": 2})
    assert (full.line, full.target, full.id) == (3, "dev/worker", "mine")
    assert (request.prompt, request.priority, request.mode) == ("Mend\nit", 9, Mode.SUPERVISED)
    assert (request.model, request.timeout_seconds, request.metadata) == ("opus", 60.0, {"ticket": 7})
    request = plain.request({"model": "haiku", "priority": 2})
    assert (request.model, request.priority) == ("haiku", 2)


def test_all_mistakes_are_said_at_once_with_their_lines() -> None:
    with pytest.raises(ConfigError) as caught:
        objects(
            {"prompt": "fine"},
            {"promt": "x"},
            "{",
            "[1]",
            {"prompt": " "},
            {"prompt": "x", "priority": 11, "mode": "slow"},
            {"prompt": "x", "priority": "5"},
            '{"prompt": "x", "prompt": "y"}',
            '{"prompt": "x", "maxBudgetUsd": NaN}',
            '{"prompt": "half \\ud800"}',
            "[" * 100_000,
            {"prompt": "x", "id": "a b"},
            {"prompt": "x", "id": "a.2"},
            {"prompt": "x", "id": "twice"},
            {"prompt": "y", "id": "twice"},
            {"prompt": "x" * (MAX_PROMPT_BYTES + 1)},
        )
    assert caught.value.exit_code == 2
    said = caught.value.detail.splitlines()
    for number, text in (
        (2, "promt: unknown; did you mean prompt?"),
        (2, "prompt: expected text"),
        (3, "not JSON"),
        (4, "expected an object"),
        (5, "prompt: expected text"),
        (6, "priority: "),
        (6, "mode: "),
        (7, "priority: "),
        (8, "'prompt' stands there twice"),
        (9, "NaN is no number"),
        (10, "holds half of a surrogate pair"),
        (11, "not JSON"),
        (12, "id: expected"),
        (13, "id: expected no dot and number"),
        (15, "id: twice is that of line 14"),
        (16, "prompt: longer than"),
    ):
        assert any(line.startswith(f"work.ndjson:{number}: {text}") for line in said), (number, text, said)
    assert len(said) == 16
    assert not any(line.startswith("work.ndjson:1:") for line in said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"fine\n\xff\n", "work.txt:2: not UTF-8"),
        (b'fine\n{"prompt": "x"}', "work.txt:2: an object among lines"),
        (b"# nothing\n\n", "work.txt holds no prompt"),
    ],
)
def test_what_is_no_file_of_lines(text: bytes, said: str) -> None:
    with pytest.raises(ConfigError, match=r"work\.txt") as caught:
        lines(text)
    assert said in str(caught.value)


def test_very_many_mistakes_are_counted() -> None:
    with pytest.raises(ConfigError) as caught:
        objects(*["{"] * 250)
    assert caught.value.title == "work.ndjson has 250 mistakes"
    assert caught.value.detail.endswith("and 150 more")


def test_the_same_file_has_the_same_ids_again() -> None:
    first = objects({"prompt": "a"}, {"prompt": "b"}, {"prompt": "a"}, {"prompt": "a", "model": "opus"})
    ids = naming.task_ids("nightly", first)
    assert len(set(ids)) == 4
    assert all(one.startswith("nightly-") for one in ids)
    assert naming.task_ids("nightly", first) == ids
    # Sorted, with one line less, one more and more urgent: each keeps its own.
    second = objects({"prompt": "c"}, {"prompt": "a", "model": "opus"}, {"prompt": "a", "priority": 9})
    assert naming.task_ids("nightly", second)[1:] == [ids[3], ids[0]]
    assert naming.task_ids("other", first)[0] != ids[0]
    assert naming.task_ids("nightly", objects({"prompt": "a", "id": "mine"})) == ["mine"]


@given(st.lists(st.sampled_from("abc")), st.sampled_from(["n", "n-1"]))
def test_no_two_prompts_share_an_id(prompts: list[str], name: str) -> None:
    ids = naming.task_ids(name, [PromptLine(number, text) for number, text in enumerate(prompts)])
    assert len(set(ids)) == len(ids)


def test_a_batch_without_a_name_is_called_by_its_file_and_target() -> None:
    assert batch_name(b"x", "dev") == batch_name(b"x", "dev")
    assert len({batch_name(b"x", "dev"), batch_name(b"x", "prod"), batch_name(b"y", "dev")}) == 3
    assert checked_name(batch_name(b"x", "dev"))


def test_a_place_has_one_name_however_it_is_spelled() -> None:
    def specs(*names: str) -> Environment:
        declared = tuple(ServiceSpec(ServiceKey("dev", "r", name), "worker") for name in names)
        return Environment("dev", is_local=True, project="p", region="r", services=declared)

    assert {place(specs("a"), services) for services in ([], ["a"])} == {"dev"}
    assert {place(specs("a", "b"), services) for services in ([], ["b", "a"])} == {"dev"}
    assert place(specs("a", "b"), ["b"]) == "dev/b"
    assert place(specs("a", "b", "c"), ["b", "a"]) == "dev/a,dev/b"


@pytest.mark.parametrize("name", ["", "a/b", "-x", "x" * 61, "ö"])
def test_a_name_must_fit_into_an_id(name: str) -> None:
    with pytest.raises(ConfigError, match="no name for a batch"):
        checked_name(name)


def test_attempts_are_told_apart() -> None:
    known = ["a", "a.2", "a.10", "b", "b.2", "c.3", "a.2.2", "x"]
    assert naming.newest(known, ["a", "b.2", "c", "d"]) == {
        "a": (10, "a.10"),
        "b.2": (1, "b.2"),
        "c": (3, "c.3"),
    }
    assert naming.attempt_id("a", 1) == "a"
    assert naming.attempt_id("a", 2) == "a.2"
