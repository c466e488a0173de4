"""What the page over all campaigns says of their runs together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.synthetic import Plan, write_campaign

from assay.report.index_page import index_page
from assay.runs.index import Filter, index

PLAN = Plan(samples=20, chunks=False, telemetry=False)


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["completed", "invalid"], "All runs that were started came to their end."),
        (["completed", "planned"], "All runs that were started came to their end; 1 run more planned."),
        (["completed", "completed", "failed"], "1 of 3 runs did not complete: 1 failed."),
        (
            ["incomplete", "skipped", "failed", "failed"],
            "4 of 4 runs did not complete: 1 incomplete, 1 skipped, 2 failed.",
        ),
        (["planned", "planned"], "No run was started."),
        ([], "No run was started."),
    ],
)
def test_a_run_that_is_invalid_came_to_its_end_and_one_that_is_planned_did_not(
    tmp_path: Path, statuses: Sequence[str], said: str
) -> None:
    write_campaign(tmp_path, {f"offline{place}-r0": PLAN for place in range(len(statuses))}, "single")
    rows, _ = index(tmp_path, Filter())
    for row, status in zip(rows, statuses, strict=True):
        row.status = status
    assert index_page(rows, tmp_path).answer == [said]
