"""`replay`: a recording played on the terminal, or printed where there is none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccconsole.cli import output
from ccconsole.cli.fleet import PARTIAL
from ccconsole.errors import ConfigError

if TYPE_CHECKING:
    from ccconsole.recordings.reading import Recording

STDIN = Path("-")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("replay")(replay)


def replay(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A recording: .cast or .ndjson.")],
    speed: Annotated[
        float, typer.Option(min=0.25, max=16, metavar="N", help="So many times as fast, on a terminal.")
    ] = 1.0,
    idle_limit: Annotated[
        float | None,
        typer.Option(min=0.01, metavar="SECONDS", help="Play longer silences as if they were as short."),
    ] = None,
    is_raw: Annotated[
        bool, typer.Option("--raw", help="Where stdout is no terminal: its bytes, not their text.")
    ] = False,
) -> None:
    """Play a recording on the terminal: space pauses, the arrows seek, m goes to the next marker, ? is help.

    Plays asciicasts of version 2 and 3 and the events of `export` and `prompt -o ndjson`. Where stdout is no
    terminal the output is printed, at once, as the text it leaves behind; 7 means that lines were unreadable.
    """
    from ccconsole.recordings.reading import Recording

    has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if path == STDIN and sys.stdout.isatty():
        raise ConfigError(
            "The keys come from standard input", "So a recording cannot.", "ccconsole replay FILE"
        )
    recording = Recording.open(Path("/dev/stdin") if path == STDIN else path)
    try:
        if has_terminal:
            from ccconsole.app import replay as play

            code = play(recording, speed=speed, idle_limit=idle_limit)
        else:
            code = _print(recording, is_raw=is_raw)
    finally:
        recording.close()
    raise typer.Exit(code)


def _print(recording: Recording, *, is_raw: bool) -> int:
    from worker_service.rendering import TextRenderer

    renderer = TextRenderer(recording.header.columns, recording.header.rows)
    stdout = sys.stdout.buffer
    try:
        for event in recording.events(recording.start, recording.flaws):
            if isinstance(event.data, bytes):
                stdout.write(event.data if is_raw else renderer.feed(event.data).encode())
            elif isinstance(event.data, tuple):
                renderer.resize(*event.data)
        stdout.write(b"" if is_raw else renderer.close().encode())
        stdout.flush()
    except BrokenPipeError:
        output.close_stdout()
        return output.BROKEN_PIPE
    for sentence in recording.flaws.sentences():
        output.note(f"{recording.name}: {sentence}")
    return 0 if recording.flaws.are_harmless else PARTIAL
