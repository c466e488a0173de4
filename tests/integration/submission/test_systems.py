"""A submitter's systems in one tree: each with its own runs and answers, judged by itself."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.submissions import official_campaign, write_answers

from assay.commands.main import main
from assay.runs import CampaignFolder

FIRST, SECOND = "2_nodes_of_1x_Synthetic_GPU_80GB", "another_engine"


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignFolder, CampaignFolder]:
    """The same runs on two systems, other samples in each."""
    places = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    return (
        official_campaign(places[0]),
        official_campaign(places[1], change=lambda key, plan: replace(plan, seed=plan.seed + 1)),
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_answers(tmp_path / "system.yaml")
    write_answers(tmp_path / "second.yaml", system_name="another engine")
    return tmp_path


def submit(*words: str | Path, division: str = "closed") -> Result:
    return CliRunner().invoke(main, ["submit", *map(str, words), "--org", "ACME", "--division", division])


@pytest.mark.parametrize("division", ["closed", "open"])
def test_two_systems_make_one_tree_that_the_check_takes(
    campaigns: tuple[CampaignFolder, CampaignFolder], here: Path, division: str
) -> None:
    one, two = (campaign.path for campaign in campaigns)
    done = submit(one, two, "--system", f"{two}=second.yaml", division=division)
    assert done.exit_code == 0, done.output
    assert f"{SECOND}, llama3.1-8b Offline: performance, accuracy, TEST06" in done.output
    root = here / "submission" / division / "ACME"
    assert {path.stem for path in (root / "systems").iterdir()} == {FIRST, SECOND}
    for folder in ("results", "src"):
        assert {path.name for path in (root / folder).iterdir()} == {FIRST, SECOND}
    log = f"results/{SECOND}/llama3.1-8b/Server/performance/run_1/mlperf_log_detail.txt"
    assert (root / log).read_bytes() == campaigns[1].run("server-performance-r0").loadgen_detail.read_bytes()

    checked = CliRunner().invoke(main, ["submit", "--check", "submission", "--json"])
    told = json.loads(checked.output)
    assert [result["result"] for result in told["results"] if result["findings"]] == []
    assert {result["result"].split("/")[2] for result in told["results"] if "/" in result["result"]} == {FIRST, SECOND}

    (root / f"results/{SECOND}/llama3.1-8b/Server/user.conf").unlink()
    broken = json.loads(CliRunner().invoke(main, ["submit", "--check", "submission", "--json"]).output)
    found = [result["result"] for result in broken["results"] if result["findings"]]
    assert found == [f"{division}/ACME/{SECOND}/llama3.1-8b/Server"]


def test_the_reasons_against_one_system_name_its_file(
    campaigns: tuple[CampaignFolder, CampaignFolder], here: Path
) -> None:
    one, two = campaigns
    alone = [two.run(f"offline-{part}-r0").path for part in ("performance", "accuracy", "test06")]
    refused = submit(one.path, *alone, *(word for run in alone for word in ("--system", f"{run}=second.yaml")))
    assert refused.exit_code == 1
    assert "the submission (second.yaml):\n    llama3.1-8b needs Server or Interactive" in refused.output
    assert "system.yaml):" not in refused.output
    assert not (here / "submission").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--system", "other=second.yaml"], "other is none of the runs and campaigns to submit"),
        (["--system", "one.yaml", "--system", "two.yaml"], "expected one FILE, or RUN=FILE, each run once"),
        (["--system", "{two}=one.yaml", "--system", "{two}=two.yaml"], "expected one FILE, or RUN=FILE, each run once"),
        (["--system", "=one.yaml"], "expected one FILE, or RUN=FILE, each run once"),
        (["--system", "{two}=same.yaml"], "system_name makes the folder"),
        (["{two}/runs/{run}", "--system", "{two}/runs/{run}=second.yaml"], "it is of one system"),
        (["--accuracy", "offline-accuracy-r0=a.txt", "--system", "{two}=second.yaml"], "2 accuracy runs are called so"),
    ],
)  # fmt: skip
def test_what_doesnt_tell_systems_apart(
    campaigns: tuple[CampaignFolder, CampaignFolder], here: Path, words: list[str], said: str
) -> None:
    one, two = (campaign.path for campaign in campaigns)
    shutil.copy("system.yaml", "same.yaml")
    refused = submit(one, two, *(word.format(two=two, run="server-accuracy-r0") for word in words))
    assert refused.exit_code == 2
    assert said in " ".join(refused.output.split())


def test_the_same_runs_of_two_campaigns_arent_one_system(
    campaigns: tuple[CampaignFolder, CampaignFolder], here: Path
) -> None:
    refused = submit(*(campaign.path for campaign in campaigns))
    assert refused.exit_code == 1
    assert "two performance runs" in refused.output
    assert "--system RUN=FILE" in refused.output
