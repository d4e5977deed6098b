"""`python -m worker_service`: one worker, told by its environment variables."""

from __future__ import annotations

import gc
import signal
import sys


def main() -> int:
    """Serve until told to stop; the exit code."""
    # As a container's first process it would not be ended by a SIGTERM that comes before there is a handler.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # What is imported stays: collections meanwhile would find nothing, and take a sixth of the start.
    gc.disable()
    from worker_service import logs
    from worker_service.app import create_app
    from worker_service.processes import adopt_orphans, heed_signals
    from worker_service.redaction import Redactor
    from worker_service.server import Server
    from worker_service.settings import SettingsError, load

    try:
        settings = load()
        app = create_app(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    gc.freeze()
    gc.enable()
    logs.configure(settings, Redactor(settings.secrets()))
    heed_signals()
    adopt_orphans()
    Server(app, settings).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
