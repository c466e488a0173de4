"""`assay tune engine`: what its options make of a configuration. Nothing is started here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.campaigns import FAST, settings, write_settings

from assay.commands.main import main


def tune(folder: Path, *arguments: str) -> Result:
    own = settings(folder / "results", engine={**FAST, "speeds": {}}, queries={"Offline": 16})
    own["cluster"] = {"nodes": [{"name": "node-a"}]}
    file = write_settings(folder / "assay.yaml", own)
    return CliRunner().invoke(main, ["tune", "engine", str(file), "--plan", *arguments])


def test_options_are_the_configurations(tmp_path: Path) -> None:
    done = tune(tmp_path, "--try", "max_num_seqs=2,8", "--try", "window=4,8", "--layout", "replicas=2", "--json")
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)
    assert [run["key"] for run in plan] == ["short-start-0-r0", "short-start-0-window-8-r0"]
    assert not (tmp_path / "results").exists()


def test_the_highest_rate_is_searched_within_limits_of_the_users(tmp_path: Path) -> None:
    rate = ("--try", "max_num_seqs=2,8", "--objective", "highest-rate", "--search-time", "2m")
    done = tune(tmp_path, *rate, "--slo", "p95(latency) < 1 s, good(ttft=50ms, tpot=9ms) > 90 %")
    assert done.exit_code == 0, done.output
    assert "up to 12 server starts, with loads of up to" in done.stdout
    limits = "p95 latency ≤ 1,000 ms and 90 % good (TTFT ≤ 50 ms, TPOT ≤ 9 ms)"
    assert f"search: the highest rate with {limits}, within 3 %, in 2 min" in done.stdout
    assert "LoadGen's Server" in tune(tmp_path, *rate).stdout, "else the benchmark's limits"


def test_throughput_against_pace_has_numbers_in_flight_of_the_users(tmp_path: Path) -> None:
    done = tune(tmp_path, "--try", "max_num_seqs=2,8", "--objective", "pareto", "--concurrency", "1,8", "--json")
    assert done.exit_code == 0, done.output
    keys = [run["key"] for run in json.loads(done.stdout)]
    assert keys == ["short-start-0-1-in-flight-r0", "short-start-0-8-in-flight-r0"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--try", "max_num_seqs"], "--try max_num_seqs: write it as NAME=A,B, such as max_num_seqs=128,256"),
        (["--layout", "tensor"], "--layout tensor: write it as NAME=N, such as tensor=2"),
        (["--try", "max_num_seqs=x"], "campaign.engine.settings.max_num_seqs: 'x': "),
        (["--layout", "tensors=2"], "campaign.engine.layouts.0.tensors: unknown key; did you mean 'tensor'?"),
        (["--try", "max_num_seqs=2", "--tries", "1", "--budget", "soon"], "--budget: 'soon': write a time"),
        (["--try", "max_num_seqs=2", "--slo", "fast"], "--slo 'fast': write p99(ttft) < 2 s"),
        (["--objective", "pareto", "--concurrency", "1,x"], "--concurrency 1,x: write it as N,N, such as 1,4,16"),
        ([], "tune-engine tries only what is allowed"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = tune(tmp_path, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_server_that_runs_cannot_be_given_other_settings() -> None:
    done = CliRunner().invoke(main, ["tune", "engine", "http://127.0.0.1:1"])
    assert done.exit_code == 2
    assert "needs a configuration file, not a URL" in done.stderr
