"""A rehearsal of full length: what the official LoadGen wrote in 600 s and more of each scenario, submitted.

`rehearsal-tree.tar.xz` was made once: an official campaign of llama3.1-8b (Offline and Server, performance, accuracy
and TEST06) on a simulated server, with 13,368 made-up samples, then `assay submit --division closed --rehearsal`.
Nothing in it is a measurement of a model; accuracy is what made-up answers come to, near nothing.
"""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.commands.main import main

RECORDED = Path(__file__).parents[2] / "recorded" / "rehearsal-tree.tar.xz"
SCENARIOS = ("Offline", "Server")


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    with tarfile.open(RECORDED) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "submission"


@pytest.fixture
def opened(closed: Path) -> Path:
    """The same results in the open division."""
    (closed / "closed").rename(closed / "open")
    (system,) = (closed / "open/ACME/systems").iterdir()
    system.write_text(json.dumps(json.loads(system.read_text()) | {"division": "open"}))
    (closed / "open/ACME/model_mapping.json").write_text('{"llama3.1-8b": "llama3.1-8b"}')
    return closed


def check(tree: Path, *words: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Exit code, and what is said of each result by its scenario."""
    done = CliRunner().invoke(main, ["submit", "--check", str(tree), "--json", *words])
    results = {str(one["result"]).rpartition("/")[2]: one for one in json.loads(done.output)["results"]}
    return done.exit_code, results


def official() -> list[str]:
    given = os.environ.get("ASSAY_MLCOMMONS_INFERENCE")
    if not given:
        pytest.skip("ASSAY_MLCOMMONS_INFERENCE names no checkout of mlcommons/inference")
    return ["--official-checker", given]


def test_open_it_passes_our_check(opened: Path) -> None:
    code, results = check(opened)
    assert [one["findings"] for one in results.values()] == [[]] * len(results)
    assert set(SCENARIOS) <= results.keys()
    assert code == 0


def test_closed_it_fails_on_accuracy_alone(closed: Path) -> None:
    code, results = check(closed)
    assert code == 3
    assert {name: one["findings"] for name, one in results.items() if name in SCENARIOS} == {
        scenario: ["accuracy-target"] * 5 for scenario in SCENARIOS
    }


def test_open_the_published_checker_accepts_it(opened: Path) -> None:
    code, results = check(opened, *official())
    assert code == 0
    for scenario in SCENARIOS:
        told = results[scenario]["official"]
        assert isinstance(told, dict)
        assert float(told["metric"]) > 0


def test_closed_the_published_checker_refuses_it_for_its_accuracy_alone(closed: Path) -> None:
    code, results = check(closed, *official())
    assert code == 3
    for scenario in SCENARIOS:
        told = results[scenario]["official"]
        assert isinstance(told, dict)
        assert told["metric"] is None
        assert len(told["reasons"]) == 5
        assert all("accuracy not met" in reason for reason in told["reasons"])
        assert results[scenario]["differs"] == ""
