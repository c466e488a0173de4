"""Telemetry followed while it is written: early, late, torn, damaged, and of a run that is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.errors import UserError
from assay.runs import RunFolder
from assay.runs import batches as batches_module
from assay.runs.telemetry import JOURNAL_SCHEMA, TelemetryJournal, TelemetryReader, read_telemetry, write_telemetry


def rows(second: int, nodes: int = 2) -> list[tuple[str, str, int, float]]:
    return [(f"node-{number}", "cpu_percent", second * 10**9, float(second)) for number in range(nodes)]


def sample(journal: TelemetryJournal, second: int, nodes: int = 2) -> None:
    for row in rows(second, nodes):
        journal.add(*row)
    journal.flush()


def given(reader: TelemetryReader) -> list[tuple[Any, ...]]:
    found = list(reader.poll())
    assert all(batch.schema.equals(JOURNAL_SCHEMA) for batch in found)
    return [tuple(row.values()) for batch in found for row in batch.to_pylist()]


def seconds(reader: TelemetryReader) -> list[int]:
    return sorted({int(time_ns) // 10**9 for _, _, time_ns, _ in given(reader)})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.parts.mkdir(parents=True)
    return folder


def close(folder: RunFolder) -> None:
    write_telemetry(folder.telemetry_journal, folder.telemetry)
    folder.telemetry_journal.unlink()
    folder.parts.rmdir()


def test_each_look_gives_what_was_added_since(run: RunFolder) -> None:
    reader = TelemetryReader(run)
    assert given(reader) == []
    journal = TelemetryJournal(run.telemetry_journal)
    assert given(reader) == []
    for second in (1, 2):
        sample(journal, second)
    assert given(reader) == rows(1) + rows(2)
    assert given(reader) == []
    sample(journal, 3)
    assert given(reader) == rows(3)


def test_a_batch_that_is_half_written_is_given_once_it_is_whole(run: RunFolder) -> None:
    journal = TelemetryJournal(run.telemetry_journal)
    sample(journal, 1)
    before = run.telemetry_journal.stat().st_size
    sample(journal, 2)
    whole = run.telemetry_journal.read_bytes()
    reader = TelemetryReader(run)
    for size in range(before, len(whole), 7):
        run.telemetry_journal.write_bytes(whole[:size])
        assert given(reader) == (rows(1) if size == before else [])
    run.telemetry_journal.write_bytes(whole)
    assert given(reader) == rows(2)


def test_a_batch_that_is_damaged_is_passed_over(run: RunFolder) -> None:
    journal = TelemetryJournal(run.telemetry_journal)
    for second in (1, 2, 3):
        sample(journal, second)
    data = run.telemetry_journal.read_bytes()
    assert data.count(b"node-1") == 3
    second_body = data.index(b"node-1", data.index(b"node-1") + 1)
    run.telemetry_journal.write_bytes(data[:second_body] + b"\xff" + data[second_body + 1 :])
    assert seconds(TelemetryReader(run)) == [1, 3]


@pytest.mark.parametrize("nodes", [1, 2, 7])
def test_who_joins_late_begins_near_the_end(run: RunFolder, monkeypatch: pytest.MonkeyPatch, nodes: int) -> None:
    monkeypatch.setattr(batches_module, "_TAIL_BYTES", 4000)
    journal = TelemetryJournal(run.telemetry_journal)
    for second in range(100):
        sample(journal, second, nodes)
    reader = TelemetryReader(run, late=True)
    last = seconds(reader)
    assert 0 < len(last) < 20
    assert last == list(range(100 - len(last), 100))
    sample(journal, 100, nodes)
    assert seconds(reader) == [100]
    assert seconds(TelemetryReader(run)) == list(range(101))


def test_who_joins_while_a_batch_larger_than_that_is_written_misses_nothing(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_module, "_TAIL_BYTES", 400)
    journal = TelemetryJournal(run.telemetry_journal)
    sample(journal, 1, nodes=200)
    whole = run.telemetry_journal.read_bytes()
    run.telemetry_journal.write_bytes(whole[:-8])
    reader = TelemetryReader(run, late=True)
    assert given(reader) == []
    run.telemetry_journal.write_bytes(whole)
    assert seconds(reader) == [1]


def test_the_end_of_a_closed_run_comes_from_its_table(run: RunFolder) -> None:
    journal = TelemetryJournal(run.telemetry_journal)
    sample(journal, 1)
    reader = TelemetryReader(run)
    assert seconds(reader) == [1]
    sample(journal, 2)
    close(run)
    assert seconds(reader) == [2]
    assert given(reader) == []
    assert seconds(TelemetryReader(run)) == [1, 2]


def test_of_a_long_closed_run_the_last_rows_are_read(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = TelemetryJournal(run.telemetry_journal)
    for second in range(100):
        sample(journal, second)
    close(run)
    assert read_telemetry(run.telemetry).num_rows == 200
    monkeypatch.setattr("assay.runs.telemetry._TAIL_ROWS", 10)
    assert seconds(TelemetryReader(run, late=True)) == [95, 96, 97, 98, 99]


def test_what_is_no_journal_is_said_to_be_none(run: RunFolder) -> None:
    run.telemetry_journal.mkdir()
    with pytest.raises(UserError, match=r"telemetry\.arrows: can't be read"):
        given(TelemetryReader(run))
