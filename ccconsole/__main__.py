"""`ccconsole`, and `python -m ccconsole`: the console at once, or the command line with its verbs."""

from __future__ import annotations

import gc
import os
import signal
import sys

COMPLETION = "_CCCONSOLE_COMPLETE"
"""Set by a shell that wants to know what could be written next."""


def main() -> int:
    """The exit code. All verbs take a third as long to load as the console to its first picture."""
    is_console = len(sys.argv) == 1 and COMPLETION not in os.environ
    if is_console and sys.stdin.isatty() and sys.stdout.isatty():
        code = _console()
        if code is not None:
            return code
    from ccconsole.cli import main as command_line

    return command_line()


def _console() -> int | None:
    """Without a word on the command line; None where it cannot open, which the command line says in full."""
    # Of what is loaded nothing is garbage: to look for some took a twelfth of the time to the first picture.
    # The fleet's backend turns it on again, once all is there.
    gc.disable()
    from ccconsole.app import run
    from ccconsole.config import load
    from ccconsole.errors import ConfigError

    try:
        return run(load())
    except ConfigError:
        gc.enable()
        return None
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
