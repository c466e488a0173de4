"""What `assay compare` prints: within a terminal's width, ratios with intervals as pages have them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.commands.main import main
from assay.report.format import TIMES

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


def test_what_is_not_decided_has_no_empty_interval(tmp_path: Path) -> None:
    short = replace(PLAN, scenario="Server", qps=2.0, samples=40)
    runs = [write_run(tmp_path, replace(short, run_id=name)).path for name in ("base", "other")]
    assert re.search(rf"\n    [\d.]+ {TIMES}, not decided: too few samples\n", compared(*runs).stdout)


def test_a_campaign_in_place_of_a_run_is_told_in_short_lines(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"a-r0": PLAN, "b-r0": replace(PLAN, seed=2)}, kind="single")
    told = compared(folder.path, folder.run("a-r0").path)
    assert told.exit_code == 2
    assert told.stderr == (
        f"assay: compare: {folder.path}\n  is a campaign; give runs of it, such as\n"
        f"  {folder.run('a-r0').path}\n  {folder.run('b-r0').path}\n"
    )
