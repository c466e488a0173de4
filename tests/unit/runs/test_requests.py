"""`requests.parquet` with whatever words servers choose."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import UserError
from assay.runs import RequestWriter, answered, read_request_columns, read_requests


def test_a_server_may_make_up_a_word_for_each_answer(tmp_path: Path) -> None:
    path = tmp_path / "requests.parquet"
    with RequestWriter(path) as writer:
        writer.write(
            {
                "sample_id": number,
                "qsl_idx": 0,
                "attempt": 1,
                "final": True,
                "status": "ok",
                "issued_ns": 0,
                "finish_reason": f"word-{number}",
                "answer_model": f"model-{number}",
            }
            for number in range(40_000)
        )
    table = read_requests(path, ["finish_reason", "answer_model"])
    assert table["finish_reason"][-1].as_py() == "word-39999"
    assert table["answer_model"][300].as_py() == "model-300"


def test_chunk_times_are_packed_as_differences(tmp_path: Path) -> None:
    with RequestWriter(tmp_path / "requests.parquet") as writer:
        writer.write([{"sample_id": 0, "qsl_idx": 0, "attempt": 1, "final": True, "status": "ok", "issued_ns": 1,
                       "chunk_ns": [5, 9, 14]}])  # fmt: skip
    group = pq.ParquetFile(tmp_path / "requests.parquet").metadata.row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert "DELTA_BINARY_PACKED" in columns["chunk_ns.list.element"].encodings
    assert read_requests(tmp_path / "requests.parquet", ["chunk_ns"])["chunk_ns"].to_pylist() == [[5, 9, 14]]


def test_columns_come_one_after_another_as_in_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "requests.parquet"
    with RequestWriter(path) as writer:
        writer.write([{"sample_id": n, "qsl_idx": n, "attempt": 1, "final": True, "status": "ok", "issued_ns": n}
                      for n in range(5)])  # fmt: skip
    whole = pq.read_table(path)
    pq.write_table(whole.drop_columns(["max_tokens"]), path)  # as an earlier version wrote it
    names = ["qsl_idx", "max_tokens", "status"]
    found = dict(zip(names, read_request_columns(path, names), strict=True))
    assert {name: column.to_pylist() for name, column in found.items()} == read_requests(path, names).to_pydict()
    with pytest.raises(UserError, match="can't be read"):
        list(read_request_columns(tmp_path / "none", names))


def test_what_answered_a_sample_is_the_attempt_that_decided_it_and_was_well() -> None:
    table = pa.table({"final": [True, False, True, True], "status": ["ok", "ok", "lost", None], "row": [0, 1, 2, 3]})
    assert answered(table)["row"].to_pylist() == [0]
    assert answered(table.slice(0, 1))["row"].to_pylist() == [0]
    assert answered(table.slice(3))["row"].to_pylist() == []
    assert answered(table.slice(0, 0))["row"].to_pylist() == []
