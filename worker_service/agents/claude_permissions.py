"""The CLI's permission requests over its stdin, and the bytes that answer them."""

from __future__ import annotations

import json
from typing import Any

from worker_service.agents.base import Permission
from worker_service.agents.claude_json import dict_of, dicts_of, plain, text_of

DENIED = "The operator denied this."


class Permissions:
    """The requests that wait; a control request's id is the permission's."""

    def __init__(self) -> None:
        self._waiting: dict[str, Permission] = {}
        self._interrupts = 0

    def asked(self, message: dict[str, Any]) -> Permission | None:
        """The permission that a `control_request` asks for; None when it is about something else."""
        request = dict_of(message, "request")
        permission_id = text_of(message, "request_id")
        if text_of(request, "subtype") != "can_use_tool" or not permission_id:
            return None
        permission = Permission(
            permission_id=permission_id,
            tool=text_of(request, "tool_name"),
            input=plain(dict_of(request, "input")),
            description=text_of(request, "description") or None,
            suggestions=plain(dicts_of(request, "permission_suggestions")),
        )
        self._waiting[permission_id] = permission
        return permission

    def withdrawn(self, message: dict[str, Any]) -> Permission | None:
        """The permission that a `control_cancel_request` takes back."""
        return self._waiting.pop(text_of(message, "request_id"), None)

    def answered(
        self, permission_id: str, behavior: str, message: str | None
    ) -> tuple[Permission, bytes] | None:
        """The permission and the `control_response` line; None when it does not wait (any more).

        Raises:
            ValueError: the behavior is none of allow, allow_session, deny.
        """
        if behavior not in ("allow", "allow_session", "deny"):
            raise ValueError(f"behavior is allow, allow_session or deny, not {behavior!r}")
        permission = self._waiting.pop(permission_id, None)
        if permission is None:
            return None
        response: dict[str, Any]
        if behavior == "deny":
            response = {"behavior": "deny", "message": message or DENIED}
        else:
            response = {"behavior": "allow", "updatedInput": permission.input}
            if behavior == "allow_session":
                response["updatedPermissions"] = session_rules(permission)
        answer = {"subtype": "success", "request_id": permission_id, "response": response}
        return permission, _line({"type": "control_response", "response": answer})

    def interrupt(self) -> bytes:
        """The line that stops the turn; the CLI answers with a result that holds the cost so far."""
        self._interrupts += 1
        request = {"subtype": "interrupt"}
        request_id = f"interrupt-{self._interrupts}"
        return _line({"type": "control_request", "request_id": request_id, "request": request})


def session_rules(permission: Permission) -> list[dict[str, Any]]:
    """The CLI's own suggestions, for this session only: an operator's answer writes no settings file."""
    return [{**rule, "destination": "session"} for rule in permission.suggestions]


def user_message(prompt: str) -> bytes:
    """The line that gives a prompt in the duplex mode."""
    return _line({"type": "user", "message": {"role": "user", "content": prompt}})


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"
