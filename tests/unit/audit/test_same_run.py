"""What true runs do that looks odd, and rules on a folder's files must take as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.audits import complaints
from tests.changing import changed
from tests.synthetic import Plan, write_run

from assay.analysis import summarise
from assay.audit import audit_path
from assay.audit.evidence import Origin, RunEvidence
from assay.audit.folder import MISSING, FolderFacts, Rows, Words
from assay.audit.registry import Check
from assay.audit.rules import load_shape
from assay.runs import RunFolder, RunStatus, read_record, write_json
from assay.runs.shapes import LoadShape, RampShape, TraceShape


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    found = write_run(tmp_path, Plan(samples=100))
    write_json(found.result, summarise(found))
    return found


@pytest.mark.parametrize(
    ("engine", "clean"),
    [
        ("{kind: simulator, model: synthetic-8b}", True),
        ("{kind: simulator, model: /models/it, served_model_name: synthetic-8b}", True),
        ("{kind: simulator, model: synthetic-8b, served_model_name: another}", False),
        ("{kind: vllm, model: synthetic-8b}", False),
        ("{kind: simulator}", True),
    ],
)
def test_a_model_goes_by_the_name_that_it_is_served_under(folder: RunFolder, engine: str, *, clean: bool) -> None:
    folder.config.write_text(f"benchmark: llama3.1-8b\nengine: {engine}\n")
    found = complaints(audit_path(folder.path))
    assert [" names-agree " in words for words in found] == ([] if clean else [True])


def objections(folder: RunFolder, shape: LoadShape, scenario: str, count: int) -> Iterator[Check]:
    """What load-shape says of `count` samples, one after another, of a load of this shape."""
    begins = np.arange(count) * 1_000_000_000
    numbers = {
        **dict.fromkeys(("scheduled_ns", "first_ns", "last_ns"), np.full(count, MISSING)),
        "sample_id": np.arange(count),
        "issued_ns": begins,
        "sent_ns": begins,
        "done_ns": begins + 500_000_000,
    }
    yes = np.ones(count, dtype=bool)
    one = np.zeros(count, dtype=np.int32)
    rows = Rows(numbers, yes, yes, Words(["ok"], one), Words(["node-a-0"], one), Words(["ids"], one), {}, {})
    record = read_record(folder).model_copy(update={"shape": shape, "scenario": scenario, "samples": 5})
    run = RunEvidence("run", Origin.RUN, "run", folder=FolderFacts(folder, record, rows=rows))
    return (check for check in load_shape.check(run) if check.verdict != "supported")


def test_a_ramp_below_one_has_one_place(folder: RunFolder) -> None:
    ramp = RampShape.model_validate({"of": "concurrency", "from": 0.2, "to": 0.9, "over_s": 9})
    assert list(objections(folder, ramp, "Concurrency", 5)) == []


def test_a_trace_ends_with_its_data_however_many_requests_it_may_have(folder: RunFolder) -> None:
    assert list(objections(folder, TraceShape(requests=9), "Trace", 5)) == []
    assert len(list(objections(folder, TraceShape(requests=9), "Trace", 4))) == 1


@pytest.mark.parametrize(
    ("status", "recounted"), [(RunStatus.COMPLETED, True), (RunStatus.INVALID, True), (RunStatus.FAILED, False)]
)
def test_what_the_ledger_says_of_tokens_is_counted_again_where_the_load_came_to_its_end(
    folder: RunFolder, status: RunStatus, *, recounted: bool
) -> None:
    """A load that was killed tells nobody what LoadGen had been told."""
    run = changed(folder, lambda row: {"token_source": None}, status=status)
    found = [
        words for words in complaints(audit_path(run.path)) if "answers whose tokens the server didn't count" in words
    ]
    assert bool(found) is recounted
