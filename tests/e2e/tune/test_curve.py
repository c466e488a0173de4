"""`assay tune curve` as a user types it, against a server that works on two requests at once and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from tests.running_simulator import simulator

from assay.analysis.climb import climbed
from assay.runs import CampaignFolder, read_campaign, read_result

SPEED = ("--model", "m", "--ttft-ms", "20", "--itl-ms", "10", "--output-tokens", "8", "--max-num-seqs", "2")
MOST = 64


def curve(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "assay.commands.main", "tune", "curve", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_goes_up_until_more_gives_no_more_and_resuming_adds_nothing(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    asked = ["--input", "16", "--output", "8", "--requests", "16", "--warmup", "2", "--most", str(MOST)]
    with simulator(tmp_path / "server", *SPEED) as running:
        table = curve(tmp_path, running.url(), *asked)
        (path,) = (tmp_path / "results").iterdir()
        again = json.loads(curve(tmp_path, "--resume", str(path), "--json"))
    folder = CampaignFolder(path)
    state = read_campaign(folder)
    points = [run.shape.concurrency for run in state.runs]  # type: ignore[union-attr]
    assert points[0] == 1
    assert all(above == 2 * below for below, above in pairwise(points))
    assert points[-1] < MOST, "a server of two places is saturated long before"
    results = [result for run in state.runs if (result := read_result(folder.run(run.run or "")))]
    assert climbed(state.runs, results).ended
    assert [run["run"] for run in again["campaign"]["runs"]] == [run.run for run in state.runs]
    assert [point["in_flight"] for point in again["curve"]["points"]] == points
    for point, result in zip(again["curve"]["points"], results, strict=True):
        assert point["per_user"]["value"] == pytest.approx(1e9 / result.latency["tpot_ns"].p90)
    assert "tokens/s a user" in table
    assert again["answer"][0].split(":")[0].split(",")[0] in (
        *("Peak", "The most that came"),
        "The most of the points that are the server's own",
    )
    assert (path / "charts" / "pareto.png").is_file()
