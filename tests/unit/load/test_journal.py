"""Journals that were cut off by a crash."""

from __future__ import annotations

from pathlib import Path

from assay.load.journal import AttemptJournal, IssuedJournal, read_attempts, read_issued
from assay.load.source import NO_TIME, Issue


def test_an_unfinished_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "attempts-0.jsonl"
    journal = AttemptJournal(path)
    journal.add({"sample_id": 1})
    journal.add({"sample_id": 2})
    journal.flush()
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = [row["sample_id"] for row in read_attempts(path)]
        assert found == [1, 2][: whole[:length].count(b"\n")]


def test_an_unfinished_record_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "issued.bin"
    assert read_issued(path) == []
    IssuedJournal(path).add(0, [Issue(100, 5), Issue(101, 9, due_ns=70)], 77)
    assert read_issued(path) == [(0, 5, 77, NO_TIME), (1, 9, 77, 70)]
    path.write_bytes(path.read_bytes()[:-1])
    assert read_issued(path) == [(0, 5, 77, NO_TIME)]
