"""`progress.jsonl`: followed while it grows, joined late, and read after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from assay.errors import UserError
from assay.runs import RunStatus
from assay.runs.progress import (
    AnyEvent,
    DoneEvent,
    EndpointProgress,
    PhaseEvent,
    ProgressEvent,
    ProgressReader,
    append_event,
    event_line,
    read_progress,
)
from assay.runs.sketch import Recorder


def phase(time_ns: int = 1, **changes: Any) -> PhaseEvent:
    return PhaseEvent(**{"time_ns": time_ns, "clock_offset_ns": 10**18, "phase": "warmup", **changes})


def progress(time_ns: int) -> ProgressEvent:
    latencies = Recorder()
    latencies.add(5_000_000)
    return ProgressEvent(
        time_ns=time_ns,
        clock_offset_ns=10**18,
        phase="load",
        elapsed_ns=time_ns,
        expected=None,
        issued=4,
        completed=1,
        failed=0,
        in_flight=2,
        queued=1,
        input_tokens=10,
        output_tokens=7,
        endpoints={"a": EndpointProgress(completed=1, in_flight=2, input_tokens=10, output_tokens=7)},
        ttft=latencies.snapshot(),
        tpot=latencies.snapshot(),
        latency=latencies.snapshot(),
        left=None,
    )


def done() -> DoneEvent:
    return DoneEvent(time_ns=9, clock_offset_ns=10**18, status=RunStatus.COMPLETED)


def test_every_kind_of_event_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    events: list[AnyEvent] = [phase(), progress(2), done()]
    path.write_bytes(b"".join(map(event_line, events)))
    assert read_progress(path) == events
    assert events[0].utc_ns == 10**18 + 1


def test_a_growing_file_is_followed_and_its_unfinished_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    reader = ProgressReader(path)
    assert reader.poll() == []
    line = event_line(progress(2))
    path.write_bytes(event_line(phase()) + line[:40])
    assert reader.poll() == [phase()]
    assert reader.poll() == []
    with path.open("ab") as file:
        file.write(line[40:])
    assert reader.poll() == [progress(2)]
    assert reader.torn == 0


def test_who_joins_late_begins_with_the_newest_events(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_bytes(b"".join(event_line(progress(time_ns)) for time_ns in range(3000)))
    reader = ProgressReader(path, late=True)
    first = reader.poll()
    assert 0 < len(first) < 3000
    assert first == [progress(time_ns) for time_ns in range(3000 - len(first), 3000)]
    append_event(path, done())
    assert reader.poll() == [done()]


def test_who_joins_a_short_file_late_gets_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_bytes(event_line(phase()))
    assert ProgressReader(path, late=True).poll() == [phase()]


def test_a_line_that_a_killed_process_left_is_ended_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_bytes(event_line(phase()) + event_line(progress(2))[:30])
    append_event(path, done())
    reader = ProgressReader(path)
    assert reader.poll() == [phase(), done()]
    assert reader.torn == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"event": "phase", "time_ns": 1}, r"it is of version None, this assay reads 1"),
        ({"version": 2, "event": "phase"}, r"it is of version 2, this assay reads 1; use the assay that wrote it"),
        ({"version": 1, "event": "lunch"}, r"does not match any of the expected tags"),
        ({"version": 1, "event": "done", "time_ns": "soon"}, r"done.time_ns: "),
        ([1], r"it is of version None"),
    ],
)
def test_what_is_no_event_of_this_version_is_told(tmp_path: Path, line: Any, words: str) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_bytes(orjson.dumps(line) + b"\n")
    with pytest.raises(UserError, match=words) as error:
        read_progress(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
