"""What `assay compare` prints: within a terminal's width, ratios with intervals as pages have them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis import summarise
from assay.analysis.campaign_compare import CampaignMeasured, compare_campaigns
from assay.commands.main import main
from assay.report import render_campaign
from assay.report.compare_campaigns_page import compare_campaigns_page
from assay.report.format import TIMES
from assay.runs import CampaignFolder, read_campaign, read_record, write_json

PLAN = Plan(samples=200, nodes=(Node("node-a"),), chunks=False, telemetry=False)


def compared(*folders: Path) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, folders)])


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_what_is_compared_fits_a_terminal_and_has_its_intervals(tmp_path: Path) -> None:
    base = write_run(tmp_path, replace(PLAN, run_id="20260101T000000Z-offline-performance-00000000"))
    slow = replace(PLAN, run_id="20260102T000000Z-offline-performance-00000000", nodes=(Node("node-a", speed=0.5),))
    text = compared(base.path, write_run(tmp_path, slow).path).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(
        rf"  Output tokens/s: [\d.]+ → [\d.]+ tokens/s\n    0\.\d+ {TIMES} \(0\.\d+ to 0\.\d+\), worse\n",
        text,
    )
    assert "(95 %: -)" not in text
    answer = next(line for line in text.splitlines() if line.startswith("  Output tokens/s 0."))
    assert text.splitlines()[2] == answer, "it comes first"
    assert text.splitlines()[-1].startswith("answer: Output tokens/s 0."), "and is on the screen at the end"


def test_what_is_not_decided_has_no_empty_interval(tmp_path: Path) -> None:
    short = replace(PLAN, scenario="Server", qps=2.0, samples=40)
    runs = [write_run(tmp_path, replace(short, run_id=name)).path for name in ("base", "other")]
    assert re.search(rf"\n    [\d.]+ {TIMES}, not decided: too few samples\n", compared(*runs).stdout)


def nightly(parent: Path, identity: str, speed: float, loads: tuple[int, ...]) -> CampaignFolder:
    server = replace(PLAN, scenario="Server", nodes=(Node("node-a", speed=speed),))
    plans = {f"server{load}-r0": replace(server, qps=float(load), seed=load) for load in loads}
    folder = write_campaign(parent, plans, "sweep", identity)
    for entry in read_campaign(folder).runs:
        run = folder.run(entry.run or "")
        write_json(run.result, summarise(run))
    return folder


def test_campaigns_are_compared_load_by_load(tmp_path: Path) -> None:
    base, other = nightly(tmp_path, "base", 1.0, (1, 2, 4)), nightly(tmp_path, "other", 0.5, (1, 2, 3))
    told = compared(base.path, other.path)
    assert told.exit_code == 0
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert told.stdout.startswith(
        "other\n  against the baseline base\n  Of 2 loads that both measured: 2 got slower.\n  The largest: "
    )
    assert (
        "\n  Only in the baseline: 4 samples/s asked for.\n  Only in the other: 3 samples/s asked for.\n" in told.stdout
    )
    assert told.stdout.endswith("\nanswer: Of 2 loads that both measured: 2 got slower (simulated endpoints)\n")
    assert re.search(
        rf"\n  1 samples/s asked for: slower\n    TTFT, median: [\d.]+ → [\d.]+ ms\n      \d\.\d+ {TIMES} \(",
        told.stdout,
    )


def test_a_gate_holds_each_load_of_a_campaign(tmp_path: Path) -> None:
    base, other = nightly(tmp_path, "base", 1.0, (1, 2, 4)), nightly(tmp_path, "other", 0.5, (1, 2))
    told = CliRunner().invoke(main, ["compare", str(base.path), str(other.path), "--fail-if-slower", "2%", "--json"])
    assert told.exit_code == 3
    assert "--fail-if-slower 2%: slower at 2 samples/s asked for: TPOT, median\n" in told.stderr
    assert "--fail-if-slower 2%: 4 samples/s asked for can't be judged: other didn't measure it\n" in told.stderr
    (comparison,) = json.loads(told.stdout)
    assert [load["outcome"] for load in comparison["loads"]] == ["slower", "slower"]
    assert comparison["only_baseline"] == ["4 samples/s asked for"]


def test_a_campaign_beside_a_run_is_told_in_short_lines(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"a-r0": PLAN, "b-r0": replace(PLAN, seed=2)}, kind="single")
    run = folder.run("a-r0").path
    told = compared(folder.path, run)
    assert told.exit_code == 2
    assert told.stderr == (
        f"assay: compare: {folder.path}\n  is a campaign and {run}\n  isn't; give runs alone, or campaigns\n"
    )


def test_what_limits_belief_is_told_and_stands_beside_the_last_line(tmp_path: Path) -> None:
    """Of runs and of campaigns."""
    base, other = nightly(tmp_path, "base", 1.0, (1, 2)), nightly(tmp_path, "other", 0.5, (1, 2))
    assert "client-bound" not in compared(base.path, other.path).stdout.casefold()
    for entry in read_campaign(other).runs:
        run = other.run(entry.run or "")
        record = read_record(run)
        record.simulated, record.client.client_bound = True, True
        write_json(run.record, record)
        write_json(run.result, summarise(run))
    for folders in ((base.path, other.path), (base.run("server1-r0").path, other.run("server1-r0").path)):
        text = compared(*folders).stdout
        assert max(map(len, text.splitlines())) <= 80
        told = " ".join(text.split())
        assert re.search(
            r"Short run: not valid for MLPerf[^.]*; client-bound; simulated endpoints\. Client-bound: ", told
        )
        of_loads = " at every load" if "Of 2 loads" in told else ""
        whose = f"the figures of the other{of_loads}; what differs may not be the server's. "
        assert f"could have shaped {whose}" in told
        assert told.rpartition("answer: ")[2].endswith(" (client-bound; simulated endpoints)")


def test_the_terminal_tells_of_each_side_what_the_page_does(tmp_path: Path) -> None:
    a, b = Node("node-a"), Node("node-b")
    plans = {"a-r0": (a,), "b-r0": (b,), "both-r0": (a, b)}
    folders = []
    for name in ("base", "other"):
        folder = write_campaign(tmp_path, {k: replace(PLAN, nodes=v) for k, v in plans.items()}, "scaling", name)
        for key in plans:
            write_json(folder.run(key).result, summarise(folder.run(key)))
        render_campaign(folder)
        folders.append(folder)
    told = " ".join(compared(*(folder.path for folder in folders)).stdout.split())
    campaigns = [CampaignMeasured(folder) for folder in folders]
    page = compare_campaigns_page(campaigns, compare_campaigns(campaigns), tmp_path)
    beside = [words for words in page.answer if words.startswith(("Of the sum ", "All ", "Samples "))]
    assert [words.split()[0] for words in beside] == ["Of", "All", "Samples"]
    for words in (*beside, "Model synthetic-8b; data: 13,368 samples (synthetic articles)."):
        assert words in told
    assert re.search(r"2 nodes do alone, together they do \d+\.\d % \(.+\) on the baseline, \d+\.\d % ", told)
    folders[1].report_json.unlink()
    assert "nodes do alone" not in compared(*(folder.path for folder in folders)).stdout


def test_the_next_step_of_several_comparisons_is_told_once(tmp_path: Path) -> None:
    folders = [nightly(tmp_path, name, speed, (1, 2)) for name, speed in (("a", 1.0), ("b", 1.0), ("c", 0.5))]
    for folder in folders:
        folder.config.write_text("scenarios: [Server]\n")
    told = compared(*(folder.path for folder in folders)).stdout
    assert told.count("against the baseline a") == 2
    assert told.count("\nNext: ") == 1
    assert told.rindex("\nNext: ") > told.rindex("against the baseline a")
