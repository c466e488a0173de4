"""The run folder's contracts: the published schema, atomic writing, journals that fail half-way."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from assay.runs import RequestWriter, result_json_schema, write_bytes, write_json


def test_the_published_schema_is_the_models_own() -> None:
    published = json.loads(files("assay.runs").joinpath("result.schema.json").read_text())
    assert published == result_json_schema(), "write it again: see result_json_schema"


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
