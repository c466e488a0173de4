"""Where a page says what the load generator did, it says whether arrivals kept time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Plan, write_campaign, write_run

from assay.analysis.run import analyse_run
from assay.analysis.summary import summarise
from assay.report.client import campaign_client_blocks, client_blocks
from assay.report.page import Block, Text
from assay.runs import RunFolder, read_record, write_json
from assay.runs.record import ClientAudit

PLAN = Plan(samples=60, chunks=False, telemetry=False)
SERVER = replace(PLAN, scenario="Server", qps=20.0)


def issued_late(run: RunFolder, late_ms: float | None) -> None:
    record = read_record(run)
    late_ns = None if late_ms is None else round(late_ms * 1e6)
    record.client = ClientAudit(cpu_share={"main": 0.1}, schedule_lateness_p99_ns=late_ns)
    write_json(run.record, record)
    write_json(run.result, summarise(run))


def said(blocks: Iterable[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Text) and block.text.startswith("Arrivals")]


@pytest.mark.parametrize(
    ("late_ms", "begins"),
    [
        (0.12, "Arrivals kept time: 99 % of the samples were issued within 0.1200 ms of when they were due."),
        (912.3, "Arrivals didn't keep time: 99 % of the samples were issued within 912.3 ms of when they were due."),
    ],
)
def test_a_run_with_arrivals_says_whether_they_kept_time(tmp_path: Path, late_ms: float, begins: str) -> None:
    run = write_run(tmp_path, SERVER)
    issued_late(run, late_ms)
    (words,) = said(client_blocks(analyse_run(run)))
    assert words.startswith(begins)


def test_a_run_without_arrivals_says_nothing_of_them(tmp_path: Path) -> None:
    run = write_run(tmp_path, PLAN)
    issued_late(run, None)
    assert not said(client_blocks(analyse_run(run)))


@pytest.mark.parametrize(
    ("late_ms", "begins"),
    [
        ([0.12], "Arrivals kept time: 99 % "),
        ([912.3], "Arrivals didn't keep time: 99 % "),
        ([0.1, 0.2], "Arrivals kept time in all 2 runs: 99 % of the samples were issued within 0.2000 ms "),
        ([0.1, 912.3], "Arrivals didn't keep time in 1 of 2 runs: 99 % of the samples were issued within 912.3 ms "),
    ],
)
def test_a_campaign_says_it_of_its_runs_and_names_the_worst(
    tmp_path: Path, late_ms: Sequence[float], begins: str
) -> None:
    keys = [f"server-r{turn}" for turn in range(len(late_ms))]
    folder = write_campaign(tmp_path, {**dict.fromkeys(keys, SERVER), "offline-r0": PLAN}, "single")
    for key, late in zip(keys, late_ms, strict=True):
        issued_late(folder.run(key), late)
    issued_late(folder.run("offline-r0"), None)
    (words,) = said(campaign_client_blocks(analysed(folder)))
    assert words.startswith(begins)
    assert ("furthest behind in " in words) is (len(late_ms) > 1)
    assert len(late_ms) == 1 or f"run {len(late_ms)} of {len(late_ms)}" in words
