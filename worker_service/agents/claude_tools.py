"""How a tool call and its result look in an operator's terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from worker_service.agents.claude_json import dicts_of, text_of
from worker_service.agents.claude_text import (
    DIM,
    GREEN,
    RED,
    clean,
    clean_line,
    counted,
    shorten,
    size,
    styled,
)

PREVIEW_LINES = 8
"""Of a written file or of one side of an edit."""
RESULT_LINES = 6
"""Of a tool's result; the whole of it is in the `message` events."""

_MAIN_INPUTS = {
    "Bash": "command",
    "Read": "file_path",
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "Write": "file_path",
    "NotebookEdit": "notebook_path",
    "Glob": "pattern",
    "Grep": "pattern",
    "WebFetch": "url",
    "WebSearch": "query",
    "Task": "description",
    "Agent": "description",
    "Skill": "skill",
}
_PATHS = ("file_path", "notebook_path")
_TODO_MARKS = {"completed": "☒", "in_progress": "◐"}


def arguments(name: str, tool_input: dict[str, Any], folder: str) -> str:
    """What a call is about, on one line: its main input where the tool is known, else its JSON."""
    key = _MAIN_INPUTS.get(name)
    if key and text_of(tool_input, key):
        value = text_of(tool_input, key)
        return clean_line(_short_path(value, folder) if key in _PATHS else value)
    if not tool_input or name == "TodoWrite":
        return ""
    return clean_line(json.dumps(tool_input, ensure_ascii=False))


def preview(name: str, tool_input: dict[str, Any], columns: int) -> Iterator[str]:
    """Styled lines that show what the call would change."""
    match name:
        case "Write":
            yield from _changed("+", text_of(tool_input, "content"), GREEN, columns)
        case "Edit":
            yield from _edit(tool_input, columns)
        case "MultiEdit":
            for edit in dicts_of(tool_input, "edits"):
                yield from _edit(edit, columns)
        case "NotebookEdit":
            yield from _changed("+", text_of(tool_input, "new_source"), GREEN, columns)
        case "TodoWrite":
            for todo in dicts_of(tool_input, "todos"):
                mark = _TODO_MARKS.get(text_of(todo, "status"), "☐")
                yield shorten(f"{mark} {clean_line(text_of(todo, 'content'))}", columns)


def result(block: dict[str, Any], columns: int) -> Iterator[str]:
    """Styled lines of a `tool_result` block, its first ones and how many were cut."""
    style = RED if block.get("is_error") is True else DIM
    text = clean("\n".join(_content(block))).strip("\n")
    if not text.strip():
        yield styled("(no output)", DIM)
        return
    yield from _first(text, RESULT_LINES, "", style, columns)


def _edit(edit: dict[str, Any], columns: int) -> Iterator[str]:
    yield from _changed("-", text_of(edit, "old_string"), RED, columns)
    yield from _changed("+", text_of(edit, "new_string"), GREEN, columns)


def _changed(sign: str, text: str, style: str, columns: int) -> Iterator[str]:
    if text:
        yield from _first(clean(text).removesuffix("\n"), PREVIEW_LINES, f"{sign} ", style, columns)


def _first(text: str, count: int, prefix: str, style: str, columns: int) -> Iterator[str]:
    lines = text.split("\n")
    # One line too many is shown rather than counted: the count would take its place.
    shown = lines if len(lines) <= count + 1 else lines[:count]
    for line in shown:
        yield styled(shorten(prefix + line, columns), style)
    if len(shown) < len(lines):
        cut = "\n".join(lines[count:])
        more = f"… +{counted(len(lines) - count, 'line')} ({size(len(cut.encode()))})"
        yield styled(more, DIM)


def _content(block: dict[str, Any]) -> Iterator[str]:
    for part in dicts_of(block, "content"):
        kind = text_of(part, "type")
        yield text_of(part, "text") if kind == "text" else f"[{kind or 'unknown'}]"


def _short_path(path: str, folder: str) -> str:
    if folder and PurePath(path).is_relative_to(folder):
        return str(PurePath(path).relative_to(folder))
    return path
