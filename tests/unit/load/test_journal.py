"""The journal of what was issued, cut off by a crash."""

from __future__ import annotations

from pathlib import Path

from assay.load.journal import IssuedJournal, read_issued
from assay.load.source import NO_TIME, Issue, Issues


def test_an_unfinished_record_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "issued.bin"
    assert read_issued(path).tolist() == []
    IssuedJournal(path).write(0, Issues.of([Issue(100, 5), Issue(101, 9, due_ns=80)]), [77, 78])
    assert read_issued(path).tolist() == [(0, 5, 77, NO_TIME), (1, 9, 80, 80)]
    path.write_bytes(path.read_bytes()[:-1])
    assert read_issued(path).tolist() == [(0, 5, 77, NO_TIME)]
