"""A data set is called what its token ids say, in words that a hand changed too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.audits import complaints
from tests.synthetic import Plan, write_run

from assay.analysis.summary import summarise
from assay.audit import audit_path
from assay.benchmarks import get_benchmark
from assay.runs import RunFolder, read_record, write_json

IDS = "b" * 64


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = write_run(tmp_path, Plan(samples=60))
    write_json(folder.record, read_record(folder).model_copy(update={"dataset_tokens_sha256": IDS}))
    write_json(folder.result, summarise(folder))
    return folder


def change(path: Path, edit: Callable[[Any], object]) -> None:
    data = json.loads(path.read_bytes())
    edit(data)
    path.write_text(json.dumps(data))


def found(folder: RunFolder) -> list[str]:
    return [f"{f.verdict}: {f.statement}" for f in audit_path(folder.path).problems if f.rule == "official-data"]


def test_an_unverified_copy_that_is_called_so_is_clean(run: RunFolder) -> None:
    report = audit_path(run.path)
    assert complaints(report) == []
    assert "official-data" in {finding.rule for finding in report.findings}


def test_a_copy_that_a_hand_calls_the_articles(run: RunFolder) -> None:
    title = get_benchmark("llama3.1-8b").dataset.title
    change(run.record, lambda d: d.update(dataset_name=title))
    assert found(run) == ["contradicted: the data set goes by the benchmark's name"]


def test_valid_without_a_word_on_the_copy(run: RunFolder) -> None:
    change(run.result, lambda d: d["verdict"].update(valid=True, words="VALID"))
    assert found(run) == ["contradicted: VALID without a word on the data set"]


def test_valid_on_samples_that_are_known_to_be_others(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    known = get_benchmark("llama3.1-8b")
    dataset = known.dataset.model_copy(update={"tokens_sha256": "a" * 64})
    monkeypatch.setattr(
        "assay.benchmarks.copies.get_benchmark", lambda _: known.model_copy(update={"dataset": dataset})
    )
    change(run.result, lambda d: d["verdict"].update(valid=True, words="VALID; data set: unverified copy"))
    assert found(run) == ["contradicted: VALID"]


def test_a_record_of_an_earlier_version_is_not_judged(run: RunFolder) -> None:
    change(run.record, lambda d: d.pop("dataset_tokens_sha256"))
    change(run.result, lambda d: d["verdict"].update(valid=True, words="VALID"))
    assert found(run) == []
