"""`assay submit --check`: our verdict on a tree, and a checker's beside it, which judges a copy."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.submissions import digests, official_campaign, write_answers

from assay.commands.main import main
from assay.submission import Request, make_submission, write_tree

SYSTEM = "2_nodes_of_1x_Synthetic_GPU_80GB"
# A stand-in for MLCommons' checker with its command line and its words: it accepts what the file `accepts` names, and
# writes into the tree that it is given.
CHECKER = """
import argparse, pathlib, sys
parser = argparse.ArgumentParser()
for name in ("input", "version", "csv"):
    parser.add_argument(f"--{name}", required=True)
given = parser.parse_args()
root = pathlib.Path(given.input)
(root / "written").touch()
accepts = (pathlib.Path(__file__).parent / "accepts").read_text().split()
start = "[2026-01-01 00:00:00,000 main.py:1"
logs = sorted(root.rglob("performance/run_1/mlperf_log_detail.txt"))
logs = [log for log in logs if "TEST06" not in str(log)]
for log in logs:
    print(f"{start} INFO] Starting performance checks for: {log}", file=sys.stderr)
    if log.parts[-4] not in accepts:
        print(f"{start} ERROR] {log} is refused under {given.version}", file=sys.stderr)
for log in logs:
    words = f"INFO] Results {log} 12.5" if log.parts[-4] in accepts else f"ERROR] NoResults {log}"
    print(f"{start} {words}", file=sys.stderr)
good = all(log.parts[-4] in accepts for log in logs)
print(f"{start} INFO] SUMMARY: submission {'looks OK' if good else 'has errors'}", file=sys.stderr)
sys.exit(not good)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    campaign = official_campaign(folder)
    answers = write_answers(folder / "system.yaml")
    write_tree(make_submission([campaign.path], Request("ACME", "closed"), answers).tree, folder / "tree")
    return folder / "tree"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One that accepts Offline alone."""
    folder = tmp_path / "inference/tools/submission/submission_checker"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "main.py").write_text(CHECKER)
    (folder / "accepts").write_text("Offline")
    return tmp_path / "inference"


def check(tree: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(main, ["submit", "--check", str(tree), *map(str, words)])


def spoil(tree: Path, scenario: str) -> None:
    for log in tree.rglob(f"{scenario}/performance/run_1/mlperf_log_*.txt"):
        log.write_text(log.read_text().replace("VALID", "INVALID"))


@pytest.fixture
def spoilt(written: Path, tmp_path: Path) -> Path:
    """Offline's result is INVALID."""
    tree = shutil.copytree(written, tmp_path / "spoilt")
    spoil(tree, "Offline")
    return tree


def test_a_good_tree_has_no_findings(written: Path) -> None:
    done = check(written)
    assert done.exit_code == 0, done.output
    assert f"closed/ACME/{SYSTEM}/llama3.1-8b/Server\n  holds: " in done.output
    assert done.output.endswith("Assay: no findings\n")


def test_a_finding_is_told_under_its_result(spoilt: Path) -> None:
    done = check(spoilt)
    assert done.exit_code == 3
    offline, _, server = done.output.partition("/Server\n")
    assert "CONTRADICTED valid-claim" in offline
    assert "CONTRADICTED" not in server


def test_both_verdicts_stand_side_by_side_with_each_difference(spoilt: Path, checkout: Path) -> None:
    before = digests(spoilt), digests(checkout)
    done = check(spoilt, "--official-checker", checkout)
    assert done.exit_code == 3
    result = f"closed/ACME/{SYSTEM}/llama3.1-8b"
    lines = [line.strip() for line in done.output.splitlines()]
    assert "MLCommons' checker: accepted, 12.5" in lines
    assert "performance/run_1/mlperf_log_detail.txt is refused under v6.1" in lines
    assert "MLCommons' checker, v6.1: refused" in lines
    assert lines[-3:] == [
        "Where the two differ:",
        f"{result}/Offline: MLCommons' checker accepts what Assay finds fault with",
        f"{result}/Server: MLCommons' checker refuses what Assay finds no fault with",
    ]
    assert (digests(spoilt), digests(checkout)) == before, "the checker's folder and the tree stay as they were"


def test_both_judge_by_the_round_that_is_named(written: Path, checkout: Path) -> None:
    done = check(written, "--official-checker", checkout, "--round", "v6.0")
    assert done.exit_code == 3
    assert "CONTRADICTED submitted-round: seeds of v6.1" in done.output
    assert "performance/run_1/mlperf_log_detail.txt is refused under v6.0" in done.output


def test_two_verdicts_that_agree(written: Path, checkout: Path) -> None:
    (checkout / "tools/submission/submission_checker/accepts").write_text("Offline Server")
    done = check(written, "--official-checker", checkout)
    assert done.exit_code == 0, done.output
    assert "The two agree on every result." in done.output


def test_a_checker_that_stops_is_told(written: Path, checkout: Path) -> None:
    (checkout / "tools/submission/submission_checker/accepts").unlink()
    done = check(written, "--official-checker", checkout)
    assert done.exit_code == 3
    assert "it stopped before its end: FileNotFoundError" in done.output


def test_json(spoilt: Path, checkout: Path) -> None:
    told = json.loads(check(spoilt, "--official-checker", checkout, "--json").output)
    offline = next(one for one in told["results"] if one["result"].endswith("/Offline"))
    assert "valid-claim" in offline["findings"]
    assert offline["official"] == {"metric": "12.5", "reasons": []}
    assert offline["differs"]
    assert not told["clean"]
    assert told["official"]["accepted"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["RUN", "--check", "TREE"], "name no runs with it"),
        (["RUN", "--official-checker", "DIR"], "goes with --check"),
        (["--check", "nowhere", "--official-checker", "."], "there is no such folder"),
    ],
)
def test_a_mistake_is_told(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["submit", *words])
    assert done.exit_code == 2
    assert said in done.output


def test_a_tree_that_cannot_be_copied_is_told(written: Path, checkout: Path, tmp_path: Path) -> None:
    tree = shutil.copytree(written, tmp_path / "linked")
    (tree / "leads-nowhere").symlink_to(tmp_path / "gone")
    done = check(tree, "--official-checker", checkout)
    assert done.exit_code == 2
    assert "can't be copied for the checker" in done.output


def test_a_folder_that_holds_no_checker_is_told(written: Path, tmp_path: Path) -> None:
    done = check(written, "--official-checker", tmp_path)
    assert done.exit_code == 2
    assert "give a checkout of" in done.output


def test_where_a_checkout_is_given_its_checker_is_understood(written: Path) -> None:
    """The synthetic logs are too short for it; that it says so result by result is what is tested."""
    given = os.environ.get("ASSAY_MLCOMMONS_INFERENCE")
    if not given:
        pytest.skip("ASSAY_MLCOMMONS_INFERENCE names no checkout of mlcommons/inference")
    told = json.loads(check(written, "--official-checker", given, "--json").output)
    assert told["official"]["whole"] == []
    assert {one["result"].rpartition("/")[2] for one in told["results"] if one["official"]} == {"Offline", "Server"}
    reasons = [reason for one in told["results"] if one["official"] for reason in one["official"]["reasons"]]
    assert any("does not cover all dataset" in reason for reason in reasons)
