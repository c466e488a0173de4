"""`assay tune`: its questions are found, and what doesn't go together is told before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.campaigns import settings, write_settings

import assay
from assay.commands.main import main
from assay.commands.tune.group import TUNES
from assay.runs.campaign import find_campaigns

EXAMPLE = Path(assay.__file__).parent / "examples" / "tune-curve.yaml"


@pytest.mark.parametrize("name", TUNES)
def test_a_questions_own_help_begins_as_the_list_does(name: str) -> None:
    assert name in CliRunner().invoke(main, ["tune", "--help"]).output
    shown = CliRunner().invoke(main, ["tune", name, "--help"])
    assert shown.exit_code == 0
    assert " ".join(TUNES[name][1].split()[:4]) in " ".join(shown.output.split())


def test_an_unknown_question_is_named() -> None:
    shown = CliRunner().invoke(main, ["tune", "speed"])
    assert shown.exit_code == 2
    assert "speed" in shown.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["assay.yaml", "--header", "A=b"], "--header goes with a URL"),
        (["assay.yaml", "--input", "64"], "--input goes with a URL"),
        (["assay.yaml", "other.yaml"], "give URLs (http://…), or one configuration file"),
        (["http://127.0.0.1:9", "--set", "name=x"], "--set goes with a configuration file"),
        (["http://127.0.0.1:9", "--resume"], "--resume needs no URL"),
        (["--retry-failed"], "--retry-failed goes with --resume"),
        (["assay.yaml", "--duration", "soon"], "--duration"),
        ([], "give a server's URL (http://…) or a configuration file"),
    ],
)
def test_what_does_not_go_together_is_told(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(main, ["tune", "curve", *words])
    assert shown.exit_code == 2
    assert message in " ".join(shown.output.split())


def test_the_example_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(main, ["tune", "curve", str(EXAMPLE), "--plan"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("plan: tune-curve campaign, 3 runs, and those that follow from what they measure")


def test_options_change_what_a_configuration_says(tmp_path: Path) -> None:
    file = write_settings(tmp_path / "assay.yaml", settings(tmp_path / "results"))
    words = ["--most", "32", "--least", "2", "--duration", "1m", "--repeats", "3", "--set", "campaign.seed=5", "--plan"]
    shown = CliRunner().invoke(main, ["tune", "curve", str(file), *words])
    assert shown.exit_code == 0, shown.output
    first, *lines = shown.output.splitlines()
    follow = "and those that follow from what they measure (up to 32 in flight, 5 points)"
    assert first == f"plan: tune-curve campaign, 3 runs, {follow}"
    assert [line.split()[0] for line in lines[:3]] == ["offline-r0", "2-in-flight-r0", "4-in-flight-r0"]
    assert "sent for 60 s" in lines[1]
    assert not find_campaigns(tmp_path / "results")


RATE = ["http://127.0.0.1:9", "--slo", "p99(ttft) < 2 s"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["http://127.0.0.1:9"], "give what the rate must keep: --slo 'p99(ttft) < 2 s"),
        (["http://127.0.0.1:9", "--slo", "ttft=2s"], "--slo 'ttft=2s': write p99(ttft) < 2 s"),
        ([*RATE, "--official"], "--official goes with a configuration"),
        (["assay.yaml", "--precision", "300%"], "campaign.precision: input should be less than 1"),
        (["assay.yaml", "--budget", "soon"], "write a time with its unit"),
        (["assay.yaml", "--scenario", "rate"], "campaign.limits is needed with scenario rate"),
    ],
)
def test_what_a_rate_can_not_be_searched_by_is_told(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_settings(tmp_path / "assay.yaml", settings(tmp_path / "results", cluster={}, engine={"kind": "simulated"}))
    shown = CliRunner().invoke(main, ["tune", "rate", *words, "--plan"])
    assert shown.exit_code == 2
    assert message in " ".join(shown.output.split())


def test_a_searchs_plan_says_what_is_searched_for(tmp_path: Path) -> None:
    file = write_settings(
        tmp_path / "assay.yaml", settings(tmp_path / "results", cluster={}, engine={"kind": "simulated"})
    )
    words = ["--slo", "p99(ttft) < 2 s, good(ttft=1s, tpot=20ms) > 90 %", "--precision", "5%", "--budget", "1h"]
    shown = CliRunner().invoke(main, ["tune", "rate", str(file), *words, "--first-rate", "12", "--plan"])
    assert shown.exit_code == 0, shown.output
    first, search, probe, *_ = shown.output.splitlines()
    assert first == "plan: tune-rate campaign, 1 run, and those that follow from what they measure"
    assert search == (
        "search: the highest rate with p99 TTFT ≤ 2,000 ms and 90 % good (TTFT ≤ 1,000 ms, TPOT ≤ 20 ms), within 5 %, "
        "in 60 min; confirmed by the pacer's arrivals"
    )
    assert probe.split()[0] == "bracket-12-r0"
    assert "up to 2,160 samples, 12 samples/s asked for (Poisson)" in probe
