from __future__ import annotations

import pytest

from ccconsole.screens.options import OPTIONS, OptionError, parsed, written
from worker_service.wire import RunRequest


def test_options_are_fields_of_a_request() -> None:
    line = "mode=interactive model=opus timeout=90s turns=5 budget=1.5 priority=9"
    options = parsed(line)
    request = RunRequest.model_validate({"prompt": "x", **options})
    assert (request.timeout_seconds, request.max_budget_usd, request.mode) == (90, 1.5, "interactive")
    assert written(options) == line
    supervised = "mode=supervised disconnect=detach wait=5m unanswered=allow"
    request = RunRequest.model_validate({"prompt": "x", **parsed(supervised)})
    assert (request.on_disconnect, request.permission_timeout_seconds) == ("detach", 300)
    assert written(parsed(supervised)) == supervised
    assert {field for field, _read in OPTIONS.values()} <= set(RunRequest.model_fields)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1h", 3600)])
def test_durations(text: str, seconds: int) -> None:
    assert parsed(f"timeout={text}") == {"timeout_seconds": seconds}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("mood=good", "no option 'mood=good'; there are mode="),
        ("headless", "no option 'headless'"),
        ("mode=loud", "mode is one of headless, supervised, interactive"),
        ("timeout=2h", "between 1s and 60m"),
        ("timeout=soon", "timeout is a duration"),
        ("timeout=", "timeout is a duration"),
        ("turns=0", "1 to 10000"),
        ("budget=nan", "more than nothing"),
        ("budget=much", "budget is dollars"),
        ("model=", "a value is missing"),
        ("disconnect=maybe", "disconnect is one of cancel, detach"),
        ("wait=2h", "wait is between"),
    ],
)
def test_mistakes_are_told(line: str, told: str) -> None:
    with pytest.raises(OptionError, match=told.replace("(", r"\(")):
        parsed(line)
