"""How a load that didn't go to its end is told: in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from tests.synthetic import Plan, write_run

from assay.campaign.close import judge_load
from assay.runs import LoadOutcome, RunStatus, read_record
from assay.runs.outcome import LoadEnd


@pytest.mark.parametrize("end", [end for end in get_args(LoadEnd) if end != "finished"])
def test_an_end_has_a_reason_in_words(tmp_path: Path, end: LoadEnd) -> None:
    record = read_record(write_run(tmp_path, Plan(samples=20, chunks=False, telemetry=False)))
    judge_load(record, LoadOutcome(status=end, reason="every endpoint failed: node-a: HTTP 500"))
    assert record.status is RunStatus.FAILED
    assert record.reason.endswith("every endpoint failed: node-a: HTTP 500")
    assert re.search(r"\w_\w", record.reason) is None
