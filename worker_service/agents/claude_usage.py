"""Tokens and cost of one task, from the CLI's stream."""

from __future__ import annotations

from typing import Any

from worker_service.agents.claude_json import dict_of, float_of, int_of, text_of
from worker_service.wire import Usage

_API_NAMES = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_creation_tokens": "cache_creation_input_tokens",
}
_MODEL_NAMES = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_tokens": "cacheReadInputTokens",
    "cache_creation_tokens": "cacheCreationInputTokens",
}


class Meter:
    """Adds up what this task alone has used.

    While it runs: the tokens that each API message reports. At each `result`: that line's own account, which
    also counts what is not streamed. `total_cost_usd` is cumulative over a session, so a resumed session's is
    not this task's: without the per-run figure its cost is unknown (None), not wrong.
    """

    def __init__(self, *, is_resumed: bool) -> None:
        self._is_resumed = is_resumed
        self._messages: dict[str, Usage] = {}
        self._settled = Usage()
        self._open_id = ""

    def stream_event(self, event: dict[str, Any]) -> Usage | None:
        """The usage so far when this raw API event changes it."""
        match event.get("type"):
            case "message_start":
                message = dict_of(event, "message")
                self._open_id = text_of(message, "id")
                self._messages[self._open_id] = _read(dict_of(message, "usage"), _API_NAMES)
            case "message_delta":
                before = self._messages.get(self._open_id, Usage())
                tokens = int_of(dict_of(event, "usage"), "output_tokens")
                # Cumulative within its message.
                self._messages[self._open_id] = before.model_copy(update={"output_tokens": tokens})
                return self.total()
        return None

    def assistant(self, message: dict[str, Any]) -> Usage | None:
        """The usage so far when no partial event has told of this message."""
        message_id = text_of(message, "id")
        usage = _read(dict_of(message, "usage"), _API_NAMES)
        if message_id in self._messages or usage == Usage():
            return None
        self._messages[message_id] = usage
        return self.total()

    def result(self, result: dict[str, Any]) -> Usage:
        """The usage so far, by the account of this `result` line."""
        models = result.get("model_usage_since_last_result")
        if isinstance(models, dict):
            parts = [part for part in models.values() if isinstance(part, dict)]
            cost: float | None
            run = _sum([_read(part, _MODEL_NAMES) for part in parts])
            cost = sum(float_of(part, "costUSD") or 0.0 for part in parts) + (self._settled.cost_usd or 0.0)
        else:
            run = _read(dict_of(result, "usage"), _API_NAMES)
            cost = None if self._is_resumed else float_of(result, "total_cost_usd")
        turns = (self._settled.turns or 0) + int_of(result, "num_turns")
        self._settled = _sum([self._settled, run]).model_copy(update={"turns": turns, "cost_usd": cost})
        self._messages.clear()
        return self._settled

    def total(self) -> Usage:
        """What is known now; the cost only once a result has told it."""
        running = _sum([self._settled, *self._messages.values()])
        return running.model_copy(update={"cost_usd": self._settled.cost_usd, "turns": self._settled.turns})


def _read(data: dict[str, Any], names: dict[str, str]) -> Usage:
    return Usage(**{field: int_of(data, name) for field, name in names.items()})


def _sum(parts: list[Usage]) -> Usage:
    return Usage(**{field: sum(getattr(part, field) for part in parts) for field in _API_NAMES})
