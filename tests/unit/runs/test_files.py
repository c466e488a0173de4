"""The run folder's contracts: the published schema, atomic writing, journals that fail half-way."""

from __future__ import annotations

import errno
import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

import pyarrow.parquet as pq
import pytest

from assay.errors import UserError, system_words
from assay.runs import (
    RequestWriter,
    Result,
    read_model,
    read_requests,
    result_json_schema,
    write_bytes,
    write_json,
)
from assay.runs.result import AccuracyResult


def test_the_published_schema_is_the_models_own() -> None:
    published = json.loads(files("assay.runs").joinpath("result.schema.json").read_text())
    assert published == result_json_schema(), "write it again: see result_json_schema"


def test_long_answers_are_written_in_smaller_groups(tmp_path: Path) -> None:
    row = {"qsl_idx": 0, "attempt": 1, "final": True, "status": "ok", "issued_ns": 1, "chunk_ns": list(range(2000))}
    for length, groups in ((1, 1), (2000, 4)):
        path = tmp_path / f"{length}.parquet"
        with RequestWriter(path) as writer:
            writer.write({**row, "sample_id": number, "chunk_ns": [number] * length} for number in range(500))
        assert pq.ParquetFile(path).num_row_groups == groups
        assert read_requests(path)["chunk_ns"].to_pylist() == [[number] * length for number in range(500)]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_bytes(path, b"old")
    with pytest.raises(TypeError):
        write_json(path, {"x": object()})
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_requests_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "requests.parquet"
    with pytest.raises(RuntimeError), RequestWriter(path):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    """As on a disk that is full: no file grows beyond `size`, bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_rows(path: Path) -> None:
    with RequestWriter(path) as writer:
        writer.write([{"sample_id": 1, "attempt": 1, "qsl_idx": 4, "final": True, "status": "ok", "issued_ns": 5}])


@pytest.mark.parametrize("write", [write_rows, lambda path: write_bytes(path, b"x" * 1000)], ids=["Parquet", "bytes"])
def test_what_the_disk_does_not_take_is_named_and_leaves_nothing(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "rows"
    with longest_file(100), pytest.raises(OSError, match="File too large") as raised:
        write(path)
    assert system_words(raised.value) == f"{path}: File too large"
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_even_be_begun_is_named_by_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(**place: object) -> NoReturn:
        raise OSError(errno.EROFS, "Read-only file system", f"{place['dir']}/{place['prefix']}xyz")

    monkeypatch.setattr("tempfile.mkstemp", begin)
    with pytest.raises(OSError, match="Read-only file system") as raised:
        write_bytes(tmp_path / "campaign.json", b"new")
    assert system_words(raised.value) == f"{tmp_path / 'campaign.json'}: Read-only file system"


def test_a_column_that_an_earlier_version_didnt_write_is_null(tmp_path: Path) -> None:
    path = tmp_path / "requests.parquet"
    with RequestWriter(path) as writer:
        writer.write([{"sample_id": 1, "attempt": 1, "qsl_idx": 4, "final": True, "status": "ok", "issued_ns": 5}])
    old = pq.read_table(path).drop_columns(["max_tokens"])
    pq.write_table(old, path)
    columns = ["max_tokens", "qsl_idx"]
    assert read_requests(path, columns).to_pylist() == [{"max_tokens": None, "qsl_idx": 4}]
    assert read_requests(path).column_names[-1] == "reused"
    assert read_requests(path).num_columns == old.num_columns + 1


RECORDED = Path(__file__).resolve().parents[2] / "recorded" / "campaign-before-benchmark-json"


def test_results_of_version_1_are_read_as_version_2() -> None:
    """They had ROUGE's names as fields, and no other metric."""
    (run,) = (RECORDED / "runs").glob("*-accuracy-*")
    assert json.loads((run / "result.json").read_bytes())["version"] == 1
    result = read_model(run / "result.json", Result)
    accuracy = read_model(run / "accuracy.json", AccuracyResult)
    assert result is not None
    assert result.accuracy == accuracy is not None
    assert (result.version, accuracy.samples, accuracy.gate) == (2, 8, "not comparable: 8 samples of 68")
    assert {name: score.in_percent for name, score in accuracy.scores.items()} == {
        "rouge1": True, "rouge2": True, "rougeL": True, "rougeLsum": True, "gen_len": False,
    }  # fmt: skip
    assert accuracy.scores["gen_len"].value == 295
    assert read_model_again(result) == result


def read_model_again(result: Result) -> Result:
    return Result.model_validate_json(result.model_dump_json())


def test_a_result_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (run,) = (RECORDED / "runs").glob("*-accuracy-*")
    path = tmp_path / "result.json"
    path.write_text(json.dumps(json.loads((run / "result.json").read_bytes()) | {"version": 3}))
    with pytest.raises(UserError, match=r"result\.json.*(\n.*)*version"):
        read_model(path, Result)
