"""The workers' journals: what was flushed is read again, whatever cut them off."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.load.attempts import ATTEMPTS_SCHEMA, AttemptJournal, read_attempts

ROWS: list[dict[str, Any]] = [
    {"sample_id": 1, "qsl_idx": 5, "attempt": 1, "status": "ok", "sent_ns": 100, "chunk_at_ns": [110, 125],
     "chunk_tokens": [1, 2], "output_ids": [7, 8, 9], "text": "Grüße", "reused": True},
    {"sample_id": 2, "qsl_idx": 6, "attempt": 1, "status": "stalled", "chunk_at_ns": [], "chunk_tokens": None},
    {"sample_id": 3, "qsl_idx": 7, "attempt": 2, "status": "ok", "chunk_at_ns": [1 << 60], "output_ids": [1 << 30]},
]  # fmt: skip


def write(path: Path, batches: list[list[dict[str, Any]]]) -> list[int]:
    """Write a journal; how long it was after each of the batches."""
    journal, sizes = AttemptJournal(path), []
    for batch in batches:
        for row in batch:
            journal.add(row)
        journal.flush()
        sizes.append(path.stat().st_size)
    return sizes


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for batch in read_attempts(path) for row in batch.to_pylist()]


def whole(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in ATTEMPTS_SCHEMA.names}


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "journal", [ROWS[:2], ROWS[2:]])
    assert rows(tmp_path / "journal") == [whole(row) for row in ROWS]
    (one, two) = read_attempts(tmp_path / "journal", ["sample_id", "status"])
    assert one.to_pydict() == {"sample_id": [1, 2], "status": ["ok", "stalled"]}
    assert two.to_pydict() == {"sample_id": [3], "status": ["ok"]}


def test_an_unfinished_batch_is_left_out(tmp_path: Path) -> None:
    """Wherever a kill has cut the file."""
    path = tmp_path / "journal"
    sizes = write(path, [[row] for row in ROWS])
    data = path.read_bytes()
    assert sizes[-1] == len(data)
    near = {edge + step for edge in sizes for step in (-9, -1, 0, 1, 5, 9)}
    for length in sorted(near | {*range(0, len(data), 97)}):
        path.write_bytes(data[:length])
        assert [row["sample_id"] for row in rows(path)] == [1, 2, 3][: sum(size <= length for size in sizes)], length


def test_a_damaged_batch_with_more_behind_it_is_told(tmp_path: Path) -> None:
    """No attempt is left out in silence but the last ones that a crash cut off."""
    path = tmp_path / "journal"
    first, *_ = write(path, [[row] for row in ROWS])
    data = bytearray(path.read_bytes())
    data[first + 8 : first + 40] = b"\xff" * 32
    path.write_bytes(data)
    with pytest.raises((pa.ArrowInvalid, OSError)):
        rows(path)


def test_rows_follow_what_is_whole_after_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    journal = AttemptJournal(path)
    journal.add(ROWS[0])
    write_some, room = os.write, [100]

    def full(handle: int, data: bytes) -> int:
        if not room:
            raise OSError(28, "No space left on device")
        return write_some(handle, data[: room.pop()])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            journal.flush()
    journal.add(ROWS[2])
    journal.flush()
    assert [row["sample_id"] for row in rows(path)] == [1, 3]


def test_many_rows_are_written_before_a_flush_is_due(tmp_path: Path) -> None:
    journal = AttemptJournal(tmp_path / "journal")
    for number in range(1000):
        journal.add(ROWS[0] | {"sample_id": number})
    assert len(rows(tmp_path / "journal")) == 768


def test_rows_are_written_a_part_at_a_time_and_others_may_come_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = AttemptJournal(path)
    journal.add(ROWS[0])
    assert journal.step()
    journal.add(ROWS[1])
    steps = 1
    while not rows(path):
        assert journal.step()
        steps += 1
    assert rows(path) == [whole(ROWS[0])]
    assert steps > len(ATTEMPTS_SCHEMA)
    journal.step()
    journal.add(ROWS[2])
    journal.flush()
    assert rows(path) == [whole(row) for row in ROWS]
    assert not journal.step()


def test_what_a_full_disk_refused_comes_before_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    journal = AttemptJournal(path)
    journal.add(ROWS[0])
    journal.step()
    journal.add(ROWS[1])

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            journal.flush()
    journal.add(ROWS[2])
    journal.flush()
    assert rows(path) == [whole(row) for row in ROWS]
