"""Closing: records of several workers, whatever became of them, as rows and a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.simulated import make_plan
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from assay.load import closing
from assay.load.attempts import AttemptJournal, attempts_path, warmup_path
from assay.load.closing import close_load
from assay.load.journal import IssuedJournal
from assay.load.plan import LoadPlan
from assay.load.source import Issues
from assay.runs import Ledger, LoadOutcome, RunFolder, read_requests, write_json

MS = 1_000_000


def attempt(sample: int, number: int = 1, endpoint: str = "sim0", status: str = "ok", **more: Any) -> dict[str, Any]:
    sent_ns = 1000 * MS + sample * MS
    return {
        "sample_id": sample, "qsl_idx": sample % 4, "attempt": number, "endpoint": endpoint, "worker": 0,
        "status": status, "sent_ns": sent_ns, "first_ns": sent_ns + 5, "last_ns": sent_ns + 9, "done_ns": sent_ns + 10,
        "chunk_at_ns": [sent_ns + 5, sent_ns + 9], "chunk_tokens": [1, 2], "output_ids": [3, 4, 5],
        "output_tokens": 3, "streamed_tokens": 3, "token_source": "ids", "reused": True,
    } | more  # fmt: skip


def close(
    folder: Path,
    journals: list[list[dict[str, Any]]],
    issued: int,
    warmup: tuple[dict[str, Any], ...] = (),
    **plan: Any,
) -> tuple[Ledger, list[dict[str, Any]], RunFolder]:
    run = RunFolder(folder / "run")
    run.parts.mkdir(parents=True)
    made = make_plan(run.path, ["http://127.0.0.1:9", "http://127.0.0.1:10"], samples=4, **plan)
    _issue(run, [n % 4 for n in range(issued)])
    for worker, rows in enumerate(journals):
        _write(attempts_path(run.parts, worker), rows)
    _write(warmup_path(run.parts, 0), list(warmup))
    return _closed(run, made)


def _closed(run: RunFolder, plan: LoadPlan) -> tuple[Ledger, list[dict[str, Any]], RunFolder]:
    ledger = close_load(run, plan)
    rows = read_requests(run.requests).to_pylist()
    return ledger, sorted(rows, key=lambda row: (row["sample_id"], row["attempt"])), run


def _issue(run: RunFolder, qsl_idx: list[int]) -> None:
    issues = Issues(range(100, 100 + len(qsl_idx)), qsl_idx)
    IssuedJournal(run.issued).write(0, issues, [900 * MS] * len(qsl_idx))


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    journal = AttemptJournal(path)
    for row in rows:
        journal.add(row)
    journal.flush()


def test_attempts_of_two_workers_become_rows(tmp_path: Path) -> None:
    journals = [
        [attempt(0), attempt(1, status="stalled"), attempt(2, status="cancelled"), attempt(9)],
        [attempt(1, 2, "sim1"), attempt(3, status="stalled", chunk_at_ns=[], chunk_tokens=None, output_ids=None)],
    ]
    ledger, rows, _ = close(tmp_path, journals, 5, answer_limits=[10, 20, 30, 40])
    columns = ("sample_id", "attempt", "final", "endpoint", "status", "detail", "max_tokens")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        (0, 1, True, "sim0", "ok", None, 10),
        (1, 1, False, "sim0", "stalled", None, 20),
        (1, 2, True, "sim1", "ok", None, 20),
        (2, 1, True, "sim0", "lost", None, 30),
        (3, 0, True, None, "lost", "waiting to be sent again", 40),
        (3, 1, False, "sim0", "stalled", None, 40),
        (4, 0, True, None, "lost", "never sent", 10),
    ]
    assert {row["issued_ns"] for row in rows} == {900 * MS}
    assert {row["scheduled_ns"] for row in rows} == {None}
    assert rows[0]["chunk_ns"] == [5, 9]
    assert (rows[5]["chunk_ns"], rows[5]["chunk_tokens"], rows[5]["output_ids"]) == ([], None, None)
    assert (ledger.issued, ledger.completed, ledger.failed, ledger.lost) == (5, 3, 0, 3)
    assert ledger.problems == [
        "answers to samples that were never issued: 9",
        "issued 5 is not completed 3 + failed 0 + lost 3",
    ]


def test_tables_of_bounded_size_are_written_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "_ROWS", 300)
    journals = [[attempt(n) for n in range(first, 2000, 2)] for first in (0, 1)]
    ledger, rows, _ = close(tmp_path, journals, 2000)
    assert [row["sample_id"] for row in rows] == list(range(2000))
    assert all(row["chunk_ns"] == [5, 9] and row["final"] for row in rows)
    assert (ledger.completed, ledger.balanced) == (2000, True)


def test_nothing_that_came_gives_rows_of_what_was_issued(tmp_path: Path) -> None:
    ledger, rows, run = close(tmp_path, [[]], 2)
    assert [(row["status"], row["detail"]) for row in rows] == [("lost", "never sent")] * 2
    assert (ledger.issued, ledger.lost, ledger.balanced) == (2, 2, True)
    assert not run.warmup.exists()


def test_a_run_that_issued_nothing_is_closed(tmp_path: Path) -> None:
    ledger, rows, _ = close(tmp_path, [[], []], 0)
    assert (rows, ledger.issued, ledger.balanced) == ([], 0, True)


def test_text_is_counted_where_it_is_needed(tmp_path: Path) -> None:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    unknown = {"output_ids": None, "output_tokens": None, "streamed_tokens": None, "token_source": None}
    journal = [
        attempt(0),
        attempt(1, **unknown | {"text": "one two"}),
        attempt(2, **unknown | {"text": "one two three", "output_tokens": 9, "token_source": "usage"}),
        attempt(3, **unknown | {"text": ""}),
    ]
    _, rows, _ = close(tmp_path, [journal], 4, tokenizer=str(tmp_path / "tokenizer.json"))
    columns = ("output_tokens", "streamed_tokens", "token_source", "text_tokens")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        (3, 3, "ids", None), (2, 2, "tokenizer", None), (9, None, "usage", 3), (None, None, None, None),
    ]  # fmt: skip


def test_warm_up_is_kept_apart(tmp_path: Path) -> None:
    warmup = (attempt(-1), attempt(-2, status="connect_failed", sent_ns=None, chunk_at_ns=[]))
    ledger, rows, run = close(tmp_path, [[attempt(0)]], 1, warmup)
    assert ([row["sample_id"] for row in rows], ledger.attempts) == ([0], 1)
    kept = read_requests(run.warmup).to_pylist()
    assert [(row["sample_id"], row["final"], row["issued_ns"]) for row in kept] == [
        (-1, True, 999 * MS), (-2, True, 998 * MS + 10),
    ]  # fmt: skip
    assert kept[0]["chunk_ns"] == [5, 9]


def test_loadgens_schedule_is_computed_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.parts.mkdir(parents=True)
    plan = make_plan(run.path, ["http://127.0.0.1:9"], "Server", samples=4)
    _issue(run, [0, 1])
    _write(attempts_path(run.parts, 0), [attempt(0), attempt(1)])
    write_json(run.outcome, LoadOutcome(status="stopped", schedule_seed=7, target_qps=100.0))
    _, rows, _ = _closed(run, plan)
    assert rows[1]["scheduled_ns"] == 900 * MS
    assert rows[0]["scheduled_ns"] < 900 * MS


def test_an_endpoint_that_the_plan_lacks_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a journal names .'elsewhere'"):
        close(tmp_path, [[attempt(0, endpoint="elsewhere")]], 1)
