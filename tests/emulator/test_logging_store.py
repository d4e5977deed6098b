"""What is kept of log entries: bounded in memory and on disk, whole after a kill."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.cloud.logging_v2.types import LogEntry

from ccconsole.emulator.logging.entries import Source, output
from ccconsole.emulator.logging.store import Bounds, LogStore, parse
from tests.emulator.logs import entry

SOURCE = Source("demo", "us-central1", "svc", "svc-1")
START: tuple[int] = (-1,)


def raw(text: str, **fields: Any) -> Any:
    return LogEntry.pb(entry(text, **fields))


def texts(store: LogStore) -> list[str]:
    return [parse(stored).text_payload for stored in store.page(START, 1 << 20, is_descending=False)]


def opened(folder: Path, bounds: Bounds | None = None) -> LogStore:
    store = LogStore(folder, bounds)
    store.load()
    return store


def test_the_oldest_go_first(tmp_path: Path) -> None:
    with closing(opened(tmp_path, Bounds(entries=100))) as store:
        for number in range(1000):
            store.append(raw(str(number)))
        kept = texts(store)
        assert 90 <= len(kept) <= 100
        assert kept == [str(number) for number in range(1000 - len(kept), 1000)]
    with closing(opened(tmp_path / "b", Bounds(memory_bytes=20_000))) as store:
        for number in range(100):
            store.append(raw(f"{number} {'x' * 1000}"))
        assert 10 <= len(store) <= 20
        assert texts(store)[-1].startswith("99 ")


def test_the_disk_is_bounded_and_private(tmp_path: Path) -> None:
    bounds = Bounds(segment_bytes=10_000, disk_bytes=40_000)
    with closing(opened(tmp_path, bounds)) as store:
        for number in range(500):
            store.append(raw(f"{number} {'x' * 500}"))
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 4
    assert sum(sizes) < 50_000
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    with closing(opened(tmp_path, bounds)) as again:
        found = texts(again)
        assert found[-1].startswith("499 ")
        assert [text.split()[0] for text in found] == [str(n) for n in range(500 - len(found), 500)]


def test_late_entries_stand_where_they_belong(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        for second in (3, 1, 2):
            assert store.append(raw(str(second), timestamp=f"2026-05-04T09:00:0{second}Z"))
        assert texts(store) == ["1", "2", "3"]
    with closing(opened(tmp_path)) as again:
        assert texts(again) == ["1", "2", "3"]
        same = raw("1", timestamp="2026-05-04T09:00:01Z", insertId="same")
        assert again.append(same)
        assert not again.append(same)


@pytest.mark.parametrize("cut", [1, 10, 25, 60])
def test_a_record_that_a_kill_cut_off_is_left_out(
    tmp_path: Path, cut: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(opened(tmp_path)) as store:
        for number in range(3):
            store.append(raw(str(number)))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-cut])
    with closing(opened(tmp_path)) as again:
        assert texts(again) == ["0", "1"]
        again.append(raw("new"))
    with closing(opened(tmp_path)) as third:
        assert texts(third) == ["0", "1", "new"]
    assert capsys.readouterr().err == ""


def test_a_damaged_file_is_told_and_the_rest_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bounds = Bounds(segment_bytes=1000, disk_bytes=1 << 20)
    with closing(opened(tmp_path, bounds)) as store:
        for number in range(20):
            store.append(raw(str(number)))
    first = min(tmp_path.iterdir())
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 0xFF
    first.write_bytes(data)
    with closing(opened(tmp_path, bounds)) as again:
        found = texts(again)
    assert found[-1] == "19"
    assert 10 < len(found) < 20
    assert "was damaged" in capsys.readouterr().err


def test_a_full_disk_is_told_once_and_the_entries_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(opened(tmp_path)) as store:
        store.append(raw("before"))
        store.close()
        (path,) = tmp_path.iterdir()
        path.unlink()
        path.symlink_to("/dev/full")
        for number in range(3):
            store.append(raw(str(number)))
            assert not store.flush()
        assert texts(store) == ["before", "0", "1", "2"]
        assert capsys.readouterr().err.count("cannot be written") == 1
        path.unlink()
        assert store.flush()
    with closing(opened(tmp_path)) as again:
        assert texts(again) == ["0", "1", "2"]


def test_lines_that_are_nearly_json_are_text() -> None:
    now = time.time_ns()
    for line in (
        "{",
        "[1]",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        '{"a":' * 200 + "1" + "}" * 200,
        '{"a":' * 5000,
    ):
        made = output(SOURCE, "stdout", "i", line, now)
        assert made.text_payload == line
        assert not made.HasField("json_payload")


def test_special_fields_with_unfit_values_stay_in_the_payload() -> None:
    now = time.time_ns()
    line = '{"severity": ["x"], "time": "soon", "httpRequest": {"status": "many"}, "message": "m"}'
    made = output(SOURCE, "stdout", "i", line, now)
    assert set(made.json_payload.fields) == {"severity", "time", "httpRequest", "message"}
    assert made.severity == 0
    assert made.timestamp.ToNanoseconds() == now
    assert not made.HasField("http_request")


@pytest.mark.parametrize(
    ("given", "severity"),
    [('"INFO"', 200), ('"warn"', 400), ('"fatal"', 600), ("450", 400), ('"Emergency"', 800), ('"x"', 0)],
)
def test_severities(given: str, severity: int) -> None:
    assert output(SOURCE, "stdout", "i", f'{{"severity": {given}}}', 1).severity == severity
