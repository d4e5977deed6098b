"""`python -m ccconsole.emulator`: the emulator as its own process."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ccconsole.errors import ConsoleError

if TYPE_CHECKING:
    from ccconsole.emulator.emulator import Options


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ccconsole.emulator", description="A Cloud Run on this machine.")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="what it remembers")
    parser.add_argument(
        "--listen", action="append", required=True, metavar="TARGET", help="unix:/PATH or HOST:PORT, for gRPC"
    )
    parser.add_argument(
        "--http", default="", metavar="HOST:PORT", help="for gcloud: Knative serving v1 over HTTP"
    )
    parser.add_argument(
        "--idle-exit",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="end when unused for so long; 0: never",
    )
    parser.add_argument(
        "--instance-idle",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="end an instance unused for so long",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="from an instance's SIGTERM to its SIGKILL",
    )
    parser.add_argument(
        "--image", action="append", default=[], metavar="NAME=COMMAND", help="what runs for an image"
    )
    _add_refusals(parser)
    return parser


def _add_refusals(parser: argparse.ArgumentParser) -> None:
    """The options that make calls fail; `ccconsole emulate` has the same."""
    for option, metavar, text in (
        ("--deny", "PERMISSION", "nobody has this permission"),
        ("--disable-api", "API", "this API is off until somebody enables it"),
        ("--fail", "[operation:]RPC=CODE[*COUNT][:WORDS]", "end calls so; CODE HANG: no answer"),
    ):
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=text)
    parser.add_argument(
        "--strict-secrets",
        action="store_true",
        help="refuse a revision whose secrets are not in Secret Manager",
    )


def _options(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Options:
    # Imported late, after the clients are put out of the way.
    from ccconsole.emulator.emulator import Options
    from ccconsole.emulator.pool import Pace
    from ccconsole.emulator.refusals import Refusals
    from ccconsole.emulator.spec import Images

    try:
        images = Images.parse(given.image)
        refusals = Refusals.parse(given.deny, given.disable_api, given.fail)
    except ValueError as error:
        parser.error(str(error))
    pace = Pace(idle=given.instance_idle, grace=given.grace)
    return Options(
        given.state,
        given.listen,
        http=given.http,
        idle_exit=given.idle_exit,
        images=images,
        pace=pace,
        refusals=refusals,
        is_strict_on_secrets=given.strict_secrets,
    )


async def _run(options: Options) -> None:
    from ccconsole.emulator.emulator import Emulator

    emulator = Emulator(options)
    signals = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.set)
    await emulator.start()
    # Google's descriptors never go; a collection that walks them would delay the bytes of every stream.
    gc.freeze()
    gc.enable()
    for address in emulator.addresses:
        sys.stdout.write(f"The Cloud Run emulator listens on {address}\n")
    if emulator.http_address:
        sys.stdout.write(f"The Cloud Run emulator answers gcloud on {emulator.http_address}\n")
    sys.stdout.flush()
    waits = [asyncio.create_task(signals.wait()), asyncio.create_task(emulator.idle())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    signals.clear()
    stopping = asyncio.create_task(emulator.stop())
    # Asked a second time, it waits no longer.
    again = asyncio.create_task(signals.wait())
    await asyncio.wait({stopping, again}, return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    if not stopping.done():
        await emulator.kill()
    await stopping


def main() -> int:
    """Run until told to end; the exit code."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.umask(0o077)
    gc.disable()  # until all is loaded, of which nothing is garbage
    parser = _arguments()
    given = parser.parse_args()
    from ccconsole.emulator.protos import skip_clients

    skip_clients()
    try:
        asyncio.run(_run(_options(parser, given)))
    except ConsoleError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
