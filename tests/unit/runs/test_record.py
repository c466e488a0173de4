"""`run.json`: what version 1 kept as words in `tags` is read into the fields that hold it now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.synthetic import write_run
from tests.synthetic_queue import Plan

from assay.runs import RunRecord, read_record


def version_1(tmp_path: Path, **tags: str) -> dict[str, Any]:
    record = read_record(write_run(tmp_path, Plan(samples=20, chunks=False, telemetry=False))).model_dump(mode="json")
    for name in ("campaign_key", "nodes", "repeat", "compliance", "lost", "closed"):
        del record[name]
    return record | {"version": 1, "tags": tags}


def test_the_tags_of_version_1_become_fields(tmp_path: Path) -> None:
    lost = "node-b-0 (ended with exit code 1, no words), node-a-0 (killed)"
    tags = {"campaign_key": "all-r1", "nodes": "node-a,node-b", "repeat": "1", "compliance": "TEST06", "lost": lost}
    record = RunRecord.model_validate(version_1(tmp_path, closed="after an interruption", **tags))
    assert (record.version, record.campaign_key, record.nodes, record.repeat) == (
        2,
        "all-r1",
        ["node-a", "node-b"],
        1,
    )
    assert record.compliance == "TEST06"
    assert record.lost == {"node-b-0": "ended with exit code 1, no words", "node-a-0": "killed"}
    assert record.closed == "after an interruption"
    assert RunRecord.model_validate(record.model_dump(mode="json")) == record


def test_a_record_of_version_1_without_tags_is_read(tmp_path: Path) -> None:
    old = version_1(tmp_path)
    del old["tags"]
    record = RunRecord.model_validate(old)
    assert (record.campaign_key, record.nodes, record.repeat, record.compliance) == (None, [], 0, None)


@pytest.mark.parametrize("tags", [{"repeat": "many"}, {"compliance": "TEST99"}, ["a"], 7])
def test_tags_that_mean_nothing_are_refused(tmp_path: Path, tags: Any) -> None:
    with pytest.raises(ValidationError):
        RunRecord.model_validate(version_1(tmp_path) | {"tags": tags})


def test_tags_are_no_field_of_version_2(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="tags"):
        RunRecord.model_validate(version_1(tmp_path) | {"version": 2})
