"""The CLI's own judgement of a run: its last `result` line, and what it means for the task."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from worker_service.agents.base import Exit, Verdict
from worker_service.agents.claude_json import dict_of, dicts_of, int_of, text_of, texts_of
from worker_service.agents.claude_text import clean_line, counted
from worker_service.agents.claude_tools import arguments
from worker_service.wire import Reason, Usage

DETAIL_CHARACTERS = 500

_TERMINAL_REASONS = {
    "max_turns": (Reason.MAX_TURNS, "stopped at the turn limit"),
    "budget_exhausted": (Reason.BUDGET, "stopped at the budget"),
    "aborted_streaming": (Reason.CANCELLED, "interrupted while it answered"),
    "aborted_tools": (Reason.CANCELLED, "interrupted while a tool ran"),
    "api_error": (Reason.API_ERROR, "the API call failed"),
}
_SUBTYPES = {
    "error_max_turns": _TERMINAL_REASONS["max_turns"],
    "error_max_budget_usd": _TERMINAL_REASONS["budget_exhausted"],
}


def judge(result: dict[str, Any], denied_last: str | None, usage: Usage) -> Verdict:
    """What a `result` line says; `denied_last` names the tool whose denial was the run's last tool result.

    `subtype` alone is no proof: a failed login is "success" with `is_error` true.
    """
    denials = [_call(denial) for denial in dicts_of(result, "permission_denials")]
    reason, words = _reason(result)
    if reason is None and denied_last is not None:
        reason = Reason.PERMISSION_DENIED
        words = (
            f"gave up when {denied_last} was denied and nobody was there to ask; "
            "allow it with allowedTools or permissionMode, or run in supervised mode"
        )
    return Verdict(
        is_success=reason is None,
        reason=reason,
        detail=None if reason is None else _detail(result, words),
        session_id=text_of(result, "session_id") or None,
        usage=usage,
        permission_denials=denials,
    )


def unfinished(exit: Exit, session_id: str | None, usage: Usage, last_words: str) -> Verdict:
    """The verdict without a `result` line, which alone proves success: exit code 0 does not."""
    said = f": {clean_line(last_words)}" if last_words.strip() else ""
    if exit.signal is not None:
        return Verdict(False, Reason.SIGNAL, f"ended by {exit.signal}{said}", session_id, usage)
    detail = f"exited with code {exit.code} and without a result{said}"
    return Verdict(False, Reason.INCOMPLETE, detail[:DETAIL_CHARACTERS], session_id, usage)


def outcome(verdict: Verdict) -> str:
    """The verdict in a few words, for the run's last line."""
    if verdict.is_success:
        denied = len(verdict.permission_denials)
        return f"completed, {counted(denied, 'permission')} denied" if denied else "completed"
    return f"failed: {(verdict.reason or Reason.AGENT_ERROR).replace('_', ' ')}"


def _reason(result: dict[str, Any]) -> tuple[Reason | None, str]:
    status = int_of(result, "api_error_status")
    terminal = text_of(result, "terminal_reason")
    known = _TERMINAL_REASONS.get(terminal) or _SUBTYPES.get(text_of(result, "subtype"))
    if status in (401, 403):
        return Reason.AUTH, f"the API refused the credential ({status})"
    if terminal == "api_error" and "not logged in" in text_of(result, "result").lower():
        return Reason.AUTH, "the worker has neither ANTHROPIC_API_KEY nor CLAUDE_CLI_SESSION_TOKEN"
    if known:
        return known
    # Older CLIs have no terminal_reason; a new word of it is no proof of success.
    if result.get("is_error") is False and terminal in ("", "completed"):
        return None, ""
    return Reason.AGENT_ERROR, terminal or text_of(result, "subtype") or "the run failed"


def _detail(result: dict[str, Any], words: str) -> str:
    errors = [error for error in texts_of(result, "errors") if not error.startswith("[ede_diagnostic]")]
    said = clean_line(" ".join([text_of(result, "result"), *errors]))
    return (f"{words}: {said}" if said else words)[:DETAIL_CHARACTERS]


def _call(denial: dict[str, Any]) -> str:
    name = clean_line(text_of(denial, "tool_name"))
    about = arguments(name, dict_of(denial, "tool_input"), "")[:200]
    return f"{name}({about})" if about else name


def denied_ids(result: dict[str, Any]) -> Set[str]:
    """The tool calls that were denied."""
    return {text_of(denial, "tool_use_id") for denial in dicts_of(result, "permission_denials")}
