"""The stand-in's other direction: duplex lines on stdin, interrupts, permissions."""

from __future__ import annotations

import json
import os
import select
import time


class Interrupted(Exception):
    """The turn was stopped by SIGINT or by a duplex interrupt."""


class Exited(Exception):
    """A scenario ends the process at once, without a result."""

    def __init__(self, code: int) -> None:
        self.code = code


class Duplex:
    """Reads stdin's lines between the pieces of a turn; `emit`, `options` and `denials` are the stream's."""

    def __init__(self) -> None:
        self.lines: list[dict] = []
        self.partial = b""
        self.is_eof = False

    def wait(self, seconds: float) -> None:
        """Let time pass; in duplex mode an interrupt may come meanwhile."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if not self.is_duplex or self.is_eof:
                time.sleep(max(left, 0))
                return
            self.poll(max(left, 0))
            for line in [line for line in self.lines if is_interrupt(line)]:
                self.lines.remove(line)
                self.acknowledge(line)
                raise Interrupted
            if left <= 0:
                return

    def acknowledge(self, line: dict) -> None:
        response = {"subtype": "success", "request_id": line["request_id"], "response": {"still_queued": []}}
        self.emit(type="control_response", response=response)

    def next_line(self) -> dict | None:
        """The next line on stdin; None at its end."""
        while not self.lines and not self.is_eof:
            self.poll(None)
        return self.lines.pop(0) if self.lines else None

    def poll(self, timeout: float | None) -> None:
        if self.is_eof or not select.select([0], [], [], timeout)[0]:
            return
        data = os.read(0, 1 << 20)
        self.is_eof = not data
        *ends, self.partial = (self.partial + data).split(b"\n")
        self.lines += [json.loads(end) for end in ends if end.strip()]

    def may(self, tool_id: str, name: str, tool_input: dict) -> bool:
        """Ask for a tool: at once where the flags decide, over the duplex protocol where somebody is there."""
        mode = self.options.get("--permission-mode", "default")
        allowed = self.options.get("--allowedTools", [])
        if name in allowed or mode in ("acceptEdits", "auto", "bypassPermissions"):
            return True
        denial = {"tool_name": name, "tool_use_id": tool_id, "tool_input": tool_input}
        text = f"Claude requested permissions to use {name}, but you haven't granted it yet."
        if self.asks and self.is_duplex:
            answer = self.ask(tool_id, name, tool_input)
            if answer.get("behavior") == "allow":
                for rule in answer.get("updatedPermissions", []):
                    if rule.get("type") == "setMode":
                        self.options["--permission-mode"] = rule["mode"]
                        self.emit(type="system", subtype="status", status=None, permissionMode=rule["mode"])
                return True
            text = answer.get("message", "denied")
        else:
            self.emit(
                type="system", subtype="permission_denied", tool_name=name, tool_use_id=tool_id, message=text
            )
        self.denials.append(denial)
        self.tool_result(tool_id, text, is_error=True)
        return False

    def ask(self, tool_id: str, name: str, tool_input: dict) -> dict:
        request_id = self.uuid()
        suggestion = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}
        request = {
            "subtype": "can_use_tool",
            "tool_name": name,
            "input": tool_input,
            "tool_use_id": tool_id,
            "description": f"use {name}",
            "permission_suggestions": [suggestion],
        }
        self.emit(type="control_request", request_id=request_id, request=request)
        self.is_in_tool = True
        while True:
            line = self.next_line()
            if line is None:
                raise Exited(1)
            if is_interrupt(line):
                self.emit(type="control_cancel_request", request_id=request_id)
                self.acknowledge(line)
                raise Interrupted
            response = line.get("response", {})
            if line.get("type") == "control_response" and response.get("request_id") == request_id:
                self.is_in_tool = False
                return response.get("response", {})


def is_interrupt(line: dict) -> bool:
    return line.get("type") == "control_request" and line.get("request", {}).get("subtype") == "interrupt"
