"""`requests.parquet` with whatever words servers choose."""

from __future__ import annotations

from pathlib import Path

from assay.runs import RequestWriter, read_requests


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
