"""Files as they come: cut off, hostile, of other versions; what can be played is, and the rest is said."""

from __future__ import annotations

import json
import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ccconsole.errors import ConfigError
from ccconsole.recordings import reading
from ccconsole.recordings.head import Goal, Head
from ccconsole.recordings.reading import Recording
from ccconsole.terminal.engine import Terminal
from tests.recordings.casts import Line, cast
from tests.terminal.states import screen


def played(path: Path) -> tuple[str, list[float], list[str]]:
    """What a recording shows at its end, the times of its events, and its flaws."""
    with closing(Recording.open(path)) as recording:
        events = list(recording.events(recording.start))
        size = recording.header.columns, recording.header.rows
        head = Head(recording, Terminal(*size), flaws=recording.flaws)
        while not head.play(Goal(float("inf"))):
            pass
        shown = "\n".join(screen(head.terminal)).strip()
        return shown, [event.time for event in events], recording.flaws.sentences()


LEFT_OUT = "line 3 is no event: left out"


@pytest.mark.parametrize(
    ("line", "flaws"),
    [
        ("", []),
        ("  ", []),
        ([1.5, "x", "an unknown code"], []),
        ([1.5, "i", "typed"], []),
        ([1.5, "o", "", "more"], []),
        ("no json", [LEFT_OUT]),
        ("{}", [LEFT_OUT]),
        ("[]", [LEFT_OUT]),
        ("[1.5]", [LEFT_OUT]),
        ("null", [LEFT_OUT]),
        ('[1.5, "o"]', [LEFT_OUT]),
        ([1.5, "o", 7], [LEFT_OUT]),
        ([1.5, 9, "x"], [LEFT_OUT]),
        ([1.5, "r", "wide"], [LEFT_OUT]),
        ([1.5, "r", "-1x5"], [LEFT_OUT]),
        ("[" * 100_000, [LEFT_OUT]),
        ("9" * 10_000, [LEFT_OUT]),
        (b"\xff\xfe[\x00", [LEFT_OUT]),
        ([1.5, "r", "100000x0"], ["line 3 is of no possible size: the nearest possible is taken"]),
        *(
            (f'[{time}, "o", ""]', ["line 3 is out of time: shown at the time of the line before"])
            for time in (
                "-1",
                "0.5",
                "NaN",
                "Infinity",
                "-Infinity",
                "1e300",
                '"2"',
                "null",
                "true",
                "9" * 400,
            )
        ),
    ],
)
def test_a_wrong_line_is_left_out_and_told(tmp_path: Path, line: Line, flaws: list[str]) -> None:
    path = cast(tmp_path / "x.cast", [1, "o", "before "], line, [2, "o", "after"])
    shown, times, told = played(path)
    assert shown in ("before after", "be\nfo\nre\n a\nft\ner") or (flaws and "size" in flaws[0])
    assert told == flaws
    assert times == sorted(times)
    assert (times[0], times[-1]) == (1, 2)


def test_many_wrong_lines_are_one_sentence(tmp_path: Path) -> None:
    path = cast(tmp_path / "x.cast", *["?"] * 1500, [1, "o", "on"])
    assert played(path) == ("on", [1], ["line 2 and 1,499 more are no events: left out"])


@pytest.mark.parametrize("cut", range(1, 19))
def test_a_crash_while_it_was_written_leaves_what_was_before(tmp_path: Path, cut: int) -> None:
    path = cast(tmp_path / "x.cast", [1, "o", "whole"], [2, "o", "lost"])
    path.write_bytes(path.read_bytes()[:-cut])
    shown, _, flaws = played(path)
    if cut == 1:
        assert (shown, flaws) == ("wholelost", [])
    elif cut < 17:
        meaning = "the recording ended while it was written; what came before is whole"
        assert (shown, flaws) == ("whole", [f"line 3 is cut off: {meaning}"])
    else:
        assert (shown, flaws) == ("whole", [])


def test_a_line_without_an_end_is_not_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 100_000)
    monkeypatch.setattr(reading, "BLOCK_BYTES", 30_000)
    long = json.dumps([1.5, "o", "x" * 900_000])
    path = cast(
        tmp_path / "x.cast", [1, "o", "a"], long, [2, "o", "b\r\n"], [3, "o", "c" * 60_000 + "\r\n"], long
    )
    shown, times, flaws = played(path)
    assert shown == "\n".join(["c" * 60] * 11)
    assert set(times) == {1, 2, 3}
    assert flaws == ["line 3 and 1 more are too long: left out"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "It is empty."),
        ("hello\n", "line 1: it is no JSON"),
        ("[1, 2]\n", "line 1: it is no JSON object"),
        ('{"a": 1}\n', "line 1: it is an asciicast of version None"),
        ('{"version": 1, "width": 80, "height": 24, "stdout": []}\n', "of version 1; 2 and 3 can be played"),
        ('{"version": 2}\n', "line 1: its cols are None, no number"),
        ('{"version": 2, "width": "80", "height": 24}\n', "line 1: its cols are '80', no number"),
        ('{"version": 3, "width": 80, "height": 24}\n', "line 1: it tells no size of the terminal"),
        ("[" * 100_000 + "\n", "line 1: it is nested too deep"),
        ('{"type": "status"}\n', "line 1: no event"),
        ('{"type": "status", "id": 1, "data": {}}\n', "line 1: its event has no time"),
        ('{"type": "[/bold]", "id": 1, "data": {}}\n', "line 1: "),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.cast"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"x\.cast is no recording") as caught:
        Recording.open(path)
    assert said in caught.value.detail


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "directory")):
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            Recording.open(path)
        assert why in caught.value.detail


@pytest.mark.parametrize(("width", "height"), [(0, 0), (-5, 100_000), (10**30, 1)])
def test_impossible_sizes_are_clamped(tmp_path: Path, width: int, height: int) -> None:
    path = cast(tmp_path / "x.cast", [1, "o", "x"], width=width, height=height)
    shown, _, flaws = played(path)
    assert shown == "x"
    assert len(flaws) == 1
    assert "of no possible size: the nearest possible is taken" in flaws[0]


def test_what_a_header_says(tmp_path: Path) -> None:
    path = cast(tmp_path / "x.cast", title="a [/b] title", idle_time_limit=2.5, timestamp="soon")
    with closing(Recording.open(path)) as recording:
        header = recording.header
        assert (header.title, header.idle_limit, header.began) == ("a [/b] title", 2.5, None)
        assert (header.columns, header.rows, recording.last_time()) == (60, 12, 0.0)


def test_version_3_counts_from_the_event_before(tmp_path: Path) -> None:
    path = tmp_path / "x.cast"
    lines = (
        '{"version": 3, "term": {"cols": 60, "rows": 12}, "timestamp": 1700000000}',
        "# a comment",
        '[1.0, "o", "a"]',
        '[0.5, "x", "0"]',
        '[0.25, "o", "b"]',
        '[-3, "o", "c"]',
        '[1e-3, "m", "end"]',
    )
    path.write_text("\ufeff" + "\n".join(lines))
    shown, times, flaws = played(path)
    assert shown == "abc"
    assert times == [1.0, 1.5, 1.75, 1.75, 1.751]
    assert flaws == ["line 6 is out of time: shown at the time of the line before"]


def test_the_end_of_the_file_tells_the_length_at_once(tmp_path: Path) -> None:
    path = cast(tmp_path / "x.cast", [1, "o", "x" * 5000], [61.5, "m", "end"], '[99, "o", "cut')
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with closing(Recording.open(path)) as recording:
        assert recording.last_time() == 61.5


def test_a_pipe_is_kept_where_one_can_seek(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = cast(tmp_path / "x.cast", [1, "o", "through"]).read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(text,))
    writer.start()
    assert played(pipe)[0] == "through"
    writer.join()
    with pytest.raises(ConfigError, match="is no recording"):
        Recording.open(Path("/dev/zero"))
