"""Where the Claude CLI keeps its conversations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def session_file(env: Mapping[str, str], session_id: str, workspace: Path) -> Path | None:
    """The conversation's file, or where it is to be put; None without HOME and CLAUDE_CONFIG_DIR.

    The CLI finds it in the folder of any working directory (measured with 2.1.330), and goes on in that file.
    """
    if env.get("CLAUDE_CONFIG_DIR"):
        folder = Path(env["CLAUDE_CONFIG_DIR"])
    elif env.get("HOME"):
        folder = Path(env["HOME"]) / ".claude"
    else:
        return None
    name = f"{session_id}.jsonl"
    known = next((folder / "projects").glob(f"*/{name}"), None)
    return known or folder / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(workspace.resolve())) / name
