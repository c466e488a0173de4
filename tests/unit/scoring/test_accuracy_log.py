"""LoadGen's accuracy log is read whole, or refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.paths import shared_data

from assay.errors import AssayError
from assay.scoring import read_accuracy_log, scorables

WORDS = ["alpha", "beta", "gamma", "delta"]


def decode(ids: Sequence[int]) -> str:
    return " ".join(WORDS[i] for i in ids)


def entry(index: int, ids: list[int], sequence: int = 0) -> dict[str, object]:
    data = np.array(ids, dtype="<i4").tobytes().hex().upper()
    return {"seq_id": sequence, "qsl_idx": index, "data": data, "token_count": len(ids)}


def written(tmp_path: Path, entries: object) -> Path:
    path = tmp_path / "mlperf_log_accuracy.json"
    path.write_text(json.dumps(entries))
    return path


def test_the_first_answer_to_a_sample_counts(tmp_path: Path) -> None:
    path = written(tmp_path, [entry(2, [0, 1]), entry(0, [3]), entry(2, [3, 3], sequence=1)])
    answers = read_accuracy_log(path)
    assert [(a.qsl_idx, a.token_ids.tolist()) for a in answers] == [(2, [0, 1]), (0, [3])]
    assert answers[0].token_ids.dtype == np.int32


def test_answers_meet_the_reference_of_their_own_sample(tmp_path: Path) -> None:
    path = written(tmp_path, [entry(2, [0, 1]), entry(0, [3])])
    first, second = scorables(path, ["delta", "unused", "alpha beta"], decode)
    assert (first.index, first.answer, first.reference, first.tokens) == (2, "alpha beta", "alpha beta", 2)
    assert (second.index, second.answer, second.reference, second.tokens) == (0, "delta", "delta", 1)


def test_an_index_beyond_the_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="answers sample 7, and the dataset has 2"):
        scorables(written(tmp_path, [entry(7, [0])]), ["a", "b"], decode)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "no answers"),
        ({}, "no answers"),
        ([{"qsl_idx": 0}], "entry 1: expected qsl_idx and data"),
        ([entry(0, [1]), {"qsl_idx": 0, "data": "XY"}], "entry 2: expected qsl_idx and data"),
        ([{"qsl_idx": 0, "data": "0102"}], "with 2 bytes"),
        ([{"qsl_idx": "0", "data": ""}], "isn't an index"),
        (["text"], "entry 1"),
    ],
)
def test_a_malformed_log_is_refused(tmp_path: Path, entries: object, message: str) -> None:
    with pytest.raises(AssayError, match=message):
        read_accuracy_log(written(tmp_path, entries))


def test_a_log_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps([entry(0, [1, 2])])[:-20])
    with pytest.raises(AssayError, match="is not JSON"):
        read_accuracy_log(path)


def test_a_missing_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="No such file"):
        read_accuracy_log(tmp_path / "absent.json")


def test_published_logs_are_known_to_be_cut_or_empty() -> None:
    logs = sorted((shared_data() / "mlperf_v5.1").rglob("mlperf_log_accuracy.json"))
    assert logs
    for log in logs:
        with pytest.raises(AssayError, match=r"was cut|no answers"):
            read_accuracy_log(log)


def test_the_entries_left_in_published_logs_are_read(tmp_path: Path) -> None:
    """A cut log keeps whole entries at its start: they have the layout that the reader expects."""
    for log in (shared_data() / "mlperf_v5.1").rglob("accuracy/mlperf_log_accuracy.json"):
        whole = [line.strip().rstrip(",") for line in log.read_text().splitlines() if line.strip().startswith("{")]
        entries = [json.loads(line) for line in whole if line.endswith("}")]
        assert entries, log
        answers = read_accuracy_log(written(tmp_path, entries))
        for answer, source in zip(answers, entries, strict=True):
            assert 1 <= len(answer.token_ids) == source["token_count"]
            assert 0 <= answer.token_ids.min() <= answer.token_ids.max() < 128_256
