"""Before a change: who may make it, and whether it is meant."""

from __future__ import annotations

import sys

from ccconsole.cli import output
from ccconsole.cli.session import Session
from ccconsole.config import Environment
from ccconsole.errors import Refused


def allowed(options: Session, what: str) -> None:
    """Raise Refused in a read-only console."""
    if options.is_read_only:
        raise Refused(f"Cannot {what}", "This console is read-only.", "Leave --read-only out.")


def confirmed(
    options: Session, environment: Environment, what: str, word: str, *, is_grave: bool = False
) -> None:
    """Ask whether it is meant: Enter, or `word` typed out in a protected environment and for what `is_grave`.

    Raises Refused when the answer is no, and where nobody can be asked.
    """
    allowed(options, what)
    if options.is_yes:
        return
    if not sys.stdin.isatty():
        raise Refused(
            f"Nobody confirmed: {what}",
            "Standard input is no terminal; nothing was done.",
            "--yes confirms, --dry-run shows what would be done.",
        )
    is_typed = environment.is_protected or is_grave
    asked = f"Type {word} to {what}: " if is_typed else f"Enter to {what}, Ctrl-C to leave: "
    output.ask(asked)
    answer = sys.stdin.readline()
    if not answer or answer.strip() != (word if is_typed else ""):
        raise Refused(f"Not confirmed: {what}", "Nothing was done.")
