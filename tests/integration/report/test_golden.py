"""The Markdown and JSON of reports, pinned. ASSAY_UPDATE_GOLDEN=1 writes them anew; read the difference."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis import summarise
from assay.report import render_campaign, render_campaign_comparison, render_comparison, render_run
from assay.runs import RunFolder, write_json

GOLDEN = Path(__file__).parent / "golden"
SMALL = Plan(samples=240, nodes=(Node("node-a"), Node("node-b", speed=0.6, clock_mhz=1200)))
ALONE = Plan(samples=160, nodes=(Node("node-a"),), chunks=False, telemetry=False)
SCALING = {
    "alone-a-r0": ALONE,
    "alone-b-r0": replace(ALONE, nodes=(Node("node-b", speed=2.1),)),
    "together-2-r0": replace(ALONE, nodes=(Node("node-a"), Node("node-b", speed=2.1)), samples=320),
}


def stable(value: Any) -> Any:
    """Floats to nine digits, and no hashes or sizes of Parquet files: those are the libraries', not ours."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in ("sha256", "bytes")}
    return [stable(item) for item in value] if isinstance(value, list) else value


def check(folder: Path, name: str) -> None:
    markdown = (folder / "report.md").read_text()
    markdown = re.sub(r"\| [\d,]+ \| [0-9a-f]{64} \|", "| bytes | sha256 |", markdown)
    data = orjson.dumps(
        stable(orjson.loads((folder / "report.json").read_bytes())), option=orjson.OPT_INDENT_2
    ).decode()
    for ending, text in (("md", markdown), ("json", data + "\n")):
        path = GOLDEN / f"{name}.{ending}"
        if os.environ.get("ASSAY_UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert text == path.read_text(), f"{path.name} differs; ASSAY_UPDATE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("scenario", ["Offline", "Server"])
def test_run(tmp_path: Path, scenario: str) -> None:
    folder = write_run(tmp_path, replace(SMALL, scenario=scenario, qps=5.0 if scenario == "Server" else None))
    render_run(folder)
    check(folder.path, f"run-{scenario.lower()}")


def test_campaign(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, SCALING)
    render_campaign(folder)
    check(folder.path, "campaign")


def test_comparison(tmp_path: Path) -> None:
    base = write_run(tmp_path, replace(ALONE, run_id="base"))
    other = write_run(tmp_path, replace(ALONE, run_id="other", nodes=(Node("node-a", speed=0.9, slots=12),)))
    render_comparison([base, other], out=tmp_path / "out")
    check(tmp_path / "out", "comparison")


def test_campaigns_compared(tmp_path: Path) -> None:
    campaigns = []
    for name, speed, rates in (("base", 1.0, (2, 4)), ("other", 0.9, (2, 4, 8))):
        server = replace(ALONE, scenario="Server", nodes=(Node("node-a", speed=speed),))
        plans = {f"server{rate}-r0": replace(server, qps=float(rate), seed=rate) for rate in rates}
        campaigns.append(write_campaign(tmp_path, plans, "sweep", name))
        for run in map(RunFolder, campaigns[-1].runs.iterdir()):
            write_json(run.result, summarise(run))
    render_campaign_comparison(campaigns, out=tmp_path / "out")
    check(tmp_path / "out", "campaigns-compared")
