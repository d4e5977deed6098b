"""Label selectors."""

from __future__ import annotations

import pytest

from ccconsole.emulator.faults import Fault
from ccconsole.emulator.knative.selectors import selector

LABELS = {"a": "1", "x.test/b": "two", "empty": ""}


@pytest.mark.parametrize(
    ("text", "is_selected"),
    [
        ("", True),
        ("a = 1", True),
        ("a==1,x.test/b=two", True),
        ("a=1,x.test/b=three", False),
        ("a != 1", False),
        ("none != 1", True),
        ("empty=", True),
        ("a in (2, 1)", True),
        ("a in (2)", False),
        ("none notin (2)", True),
        ("a notin (1)", False),
        ("a", True),
        ("none", False),
        ("!none", True),
        ("! a", False),
        ("in in (x)", False),
    ],
)
def test_what_a_selector_selects(text: str, is_selected: bool) -> None:
    assert selector(text)(LABELS) is is_selected


@pytest.mark.parametrize("text", ["=", "a b", "a=1 b=2", "!a=1", "a in 1", "a > 1", ",", "a in (b"])
def test_what_is_no_selector(text: str) -> None:
    with pytest.raises(Fault, match="unable to parse requirement"):
        selector(text)
