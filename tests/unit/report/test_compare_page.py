"""A comparison says what got better or worse, leads to its runs, and tells what limits belief in them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.compare import compare
from assay.analysis.run import analyse_run
from assay.report.compare_page import compare_page
from assay.report.page import Table, Text
from assay.runs import read_record, write_json

SLOW = Node("node-a", slots=4)
PLAN = Plan(samples=200, nodes=(SLOW,), chunks=False, telemetry=False)


def test_a_comparison_says_what_got_better_or_worse(tmp_path: Path) -> None:
    base, other = (analyse_run(write_run(tmp_path, replace(PLAN, run_id=name, nodes=(node,)))) for name, node in
                   (("base", SLOW), ("other", replace(SLOW, speed=2.0))))  # fmt: skip
    said, besides, whole, _ = compare_page([base, other], compare([base, other]), tmp_path).answer
    assert said.startswith("The other run against the baseline: Output tokens/s ")
    assert ", better; " in said
    assert besides == "Settings, versions and hardware are the same as far as recorded."
    assert re.fullmatch(
        r"All 13,368 samples \(.+\) would take .+ on the baseline, .+ on the other: projections, not measurements\.",
        whole,
    )
    several = compare_page([base, other, base], compare([base, other, base]), tmp_path).answer
    assert [words.partition(" against the baseline: ")[0] for words in several[0:3:2]] == [
        f"That of 00:00:00 UTC ({run})" for run in ("other", "base")
    ]


def test_a_comparison_leads_to_its_runs_and_tells_what_limits_belief_in_them(tmp_path: Path) -> None:
    plans = {"offline-r0": PLAN, "offline-r1": replace(PLAN, seed=2, failed=5, loadgen_result="INVALID")}
    folder = write_campaign(tmp_path, plans, kind="single", identity="nightly")
    late = folder.run("offline-r1")
    write_json(late.record, read_record(late).model_copy(update={"started_utc": "2026-01-02T00:00:00Z"}))
    for page in (folder.report, folder.run("offline-r0").path / "report.html"):
        page.write_text("a page")
    runs = [analyse_run(folder.run(name)) for name in plans]
    page = compare_page(runs, compare(runs), tmp_path / "out")
    (table,) = page.sections[-2].blocks
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == [f"Offline, {day} Jan 2026, 00:00:00 UTC" for day in (1, 2)]
    assert table.links == {"offline-r0": "../nightly/runs/offline-r0/report.html", "nightly": "../nightly/report.html"}
    titles = [(problem.severity, problem.title) for problem in page.problems]
    assert ("error", "The other: Samples were not answered.") in titles
    invalid = "The other: short run: not valid for MLPerf (LoadGen: INVALID)."
    assert ("warning", invalid) in titles
    assert not any(title.startswith("The baseline") for _, title in titles)


def test_a_comparison_tells_what_changed_sample_by_sample_and_what_nobody_knows(tmp_path: Path) -> None:
    plan = replace(PLAN, scenario="Server", qps=2.0)
    runs = [write_run(tmp_path, replace(plan, run_id=name, nodes=(Node("node-a", speed=speed),)))
            for name, speed in (("base", 1.0), ("other", 0.8))]  # fmt: skip
    for run in runs:
        record = read_record(run)
        silent = [
            endpoint.model_copy(update={"engine": "external", "settings": {"server": "other"}})
            for endpoint in record.endpoints
        ]
        write_json(run.record, record.model_copy(update={"endpoints": silent}))
    analyses = [analyse_run(run) for run in runs]
    page = compare_page(analyses, compare(analyses), tmp_path)
    assert "; TPOT, by sample 1.2" in page.answer[0]
    same = "ettings, versions and hardware are the same as far as recorded (the server tells none of its settings)."
    assert page.answer[1] == f"S{same}"
    assert f"S{same}" in [block.text for block in page.sections[0].blocks if isinstance(block, Text)]


def test_what_too_few_samples_leave_undecided_is_said_once(tmp_path: Path) -> None:
    short = replace(PLAN, scenario="Server", qps=2.0, samples=40)
    runs = [analyse_run(write_run(tmp_path, replace(short, run_id=name))) for name in ("base", "other")]
    tails = [item for item in compare_page(runs, compare(runs), tmp_path).headlines if item.name == "TTFT p99"]
    assert [tail.interval.partition("; ")[0] for tail in tails] == ["not decided: too few samples"]
