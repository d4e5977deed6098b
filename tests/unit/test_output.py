"""What verbs print: the same rows as a table, JSON, NDJSON and YAML."""

from __future__ import annotations

import json
import os
import pty
import sys
from typing import Any

import pytest
import yaml

from ccconsole.cli import output
from ccconsole.cli.output import Column, Format
from ccconsole.errors import Denied
from ccconsole.model.problem import Problem

ROWS: list[dict[str, Any]] = [
    {"name": "a", "state": "ready", "nested": {"min": 0}},
    {"name": "größer 你好", "state": "problem", "nested": None},
]
COLUMNS = [
    Column("NAME", lambda row: row["name"]),
    Column("STATE", lambda row: row["state"], lambda row: "red" if row["state"] == "problem" else None),
]


def test_a_table_is_aligned_by_what_a_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    output.rows(ROWS, Format.TABLE, COLUMNS)
    assert capsys.readouterr().out == "NAME         STATE\na            ready\ngrößer 你好  problem\n"


def test_an_empty_table_has_its_titles(capsys: pytest.CaptureFixture[str]) -> None:
    output.rows([], Format.TABLE, COLUMNS)
    assert capsys.readouterr().out == "NAME  STATE\n"


@pytest.mark.parametrize("rows", [ROWS, []])
def test_the_machine_formats_hold_the_same(
    rows: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    output.rows(rows, Format.JSON, COLUMNS)
    assert json.loads(capsys.readouterr().out) == rows
    output.rows(rows, Format.NDJSON, COLUMNS)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == rows
    output.rows(rows, Format.YAML, COLUMNS)
    assert yaml.safe_load(capsys.readouterr().out) == rows


def test_one_thing_whole(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "name": "a",
        "env": {"A": "1", "B": "2"},
        "public": False,
        "revisions": [{"name": "r"}],
        "none": None,
    }
    output.record(row, Format.TABLE)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "name:      a",
        "env:       A=1, B=2",
        "public:    no",
        "revisions: name=r",
        "none:      -",
    ]
    output.record(row, Format.JSON)
    assert json.loads(capsys.readouterr().out) == row


def test_somebody_elses_text_does_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    output.rows([{"name": "\x1b[2Jx\ny\x07", "state": ""}], Format.TABLE, COLUMNS)
    output.error(Denied("title \x1b]0;x\x07", "one\x1b[A\ntwo", "hint\r"))
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["NAME      STATE", " [2Jx y"]
    assert captured.err == "error: title  ]0;x \n  one [A\n  two\n  hint: hint \n"


def test_a_problem_names_its_environment_once(capsys: pytest.CaptureFixture[str]) -> None:
    output.error(Problem("dev", "denied"))
    output.error(Problem("dev", "Cannot list the services of dev"))
    assert capsys.readouterr().err == "error: dev: denied\nerror: Cannot list the services of dev\n"


@pytest.mark.parametrize(("no_color", "is_colored"), [(None, True), ("", True), ("1", False)])
def test_colour_is_for_terminals_and_never_with_no_color(
    monkeypatch: pytest.MonkeyPatch, no_color: str | None, is_colored: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream, os.fdopen(controller, "rb", buffering=0) as screen:
        monkeypatch.setattr(sys, "stdout", stream)
        output.rows(ROWS, Format.TABLE, COLUMNS)
        monkeypatch.undo()
        shown = screen.read(4096)
    assert (b"\x1b[31mproblem\x1b[0m" in shown) is is_colored
    assert (b"\x1b" in shown) is is_colored
