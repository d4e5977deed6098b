"""Commands of recordings: saving and opening one, and playing it."""

from __future__ import annotations

from typing import Final

from ccconsole.commands.declaring import Command, Place


def _playing(identity: str, keys: str, title: str, help: str, *words: str) -> Command:
    return Command(identity, keys, title, help, (Place.REPLAY,), words, takes_text=bool(words))


REPLAYING: Final = (
    Command(
        "replay",
        "r",
        "Replay",
        "Play the task's recording, from its beginning: pause, seek, faster",
        (Place.TASK, Place.TASKS, Place.SERVICE),
        ("replay",),
        verb="replay",
    ),
    Command(
        "save_recording",
        "ctrl+s",
        "Save",
        "Save the task's recording; :save FILE.txt as text, .ansi, .ndjson or .cast",
        (Place.TASK,),
        ("save", "export"),
        takes_text=True,
        verb="export",
    ),
    _playing("play", "space", "Play", "Pause, or play on; from the end it begins again"),
    _playing("seek_back", "left", "-5s", "5 seconds back"),
    _playing("seek_on", "right", "+5s", "5 seconds on"),
    _playing("leap_back", "shift+left", "-1m", "A minute back"),
    _playing("leap_on", "shift+right", "+1m", "A minute on"),
    _playing("frame_back", "comma", "Frame back", "One output back, and stay there"),
    _playing("frame_on", "full_stop", "Frame", "One output on, and stay there"),
    _playing("slower", "less_than_sign,minus", "Slower", "Half as fast, down to a quarter"),
    _playing("faster", "greater_than_sign,plus", "Faster", "Twice as fast, up to 16 times"),
    _playing("next_marker", "m", "Marker", "To the next marker: a state, a permission, a gap, the end"),
    _playing("previous_marker", "M", "Marker back", "To the marker before"),
    _playing("idle", "i", "Idle", "Shorten silences, or play them all; :idle 2 to 2 seconds", "idle"),
    _playing("pan_left", "h", "Left", "Columns to the left, of a recording wider than the screen"),
    _playing("pan_right", "l", "Right", "Columns to the right"),
    _playing("seek", "", "Seek", "To a time, for example :seek 1:30, :seek 50%, :seek -10", "seek"),
    _playing("speed", "", "Speed", "So many times as fast: :speed 4", "speed"),
)
