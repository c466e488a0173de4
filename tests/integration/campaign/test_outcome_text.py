"""What is printed at the end of a campaign: its figures, what became of the samples, verdicts, what to do next."""

from __future__ import annotations

import asyncio
import re

import pytest
from tests.campaigns import FAST, Quiet, config
from tests.number_style import numbers_without_style

from assay.campaign.runner import CampaignOutcome, run_campaign
from assay.commands.outcome_text import outcome_text
from assay.runs.alerts import AlertEvent, append_alert
from assay.runs.result import Verdict

ONE_NODE = {"nodes": [{"name": "node-a"}]}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> CampaignOutcome:
    """Offline and Server, each in both modes; a Server run of eight queries can't be VALID."""
    settings = config(
        tmp_path_factory.mktemp("campaign"),
        scenarios=["Offline", "Server"],
        modes=["performance", "accuracy"],
        target_qps={"Server": 50},
        engine={**FAST, "speeds": {}},
        cluster=ONE_NODE,
    )
    return asyncio.run(run_campaign(settings, Quiet()))


def test_each_run_has_its_ledger_and_each_verdict_its_runs(outcome: CampaignOutcome) -> None:
    text = outcome_text(outcome, 100, figures=True)
    assert "Offline accuracy" in text
    ledgers = [line.split() for line in text.splitlines() if line.endswith("balanced")]
    assert [line[-5:] for line in ledgers] == [["8", "8", "0", "0", "balanced"]] * 4
    joined = " ".join(text.split())
    assert "Offline: short run: not valid for MLPerf" in joined
    why = r"Server 50/s: short run: not valid for MLPerf \(LoadGen: INVALID\): early stopping not met: \d+ more queries"
    assert re.search(why, joined)
    assert re.search(r"\nnext: set queries\.Server to \d+ or more\n", text)
    assert text.endswith(f"report: {outcome.folder.report}\n")


def test_figures_are_left_out_where_they_were_shown(outcome: CampaignOutcome) -> None:
    assert "samples/s" in outcome_text(outcome, 100, figures=True)
    assert "rougeL" in outcome_text(outcome, 100, figures=True)
    assert "ITL" in outcome_text(outcome, 100, figures=True)
    assert "ITL" not in outcome_text(outcome, 100, figures=False)


def test_what_was_raised_meanwhile_is_told_a_runs_first_ones(outcome: CampaignOutcome) -> None:
    entry = outcome.state.runs[0]
    alerts = outcome.folder.run(entry.run or "").alerts
    for number in range(10):
        raised = AlertEvent(
            time_ns=9, clock_offset_ns=0, event="raised", rule="temperature", node="n", device=f"gpu{number}",
            since_ns=1, value=93.0, limit=90.0, unit="°C", words=f"gpu{number} of n is at 93 °C (limit 90 °C).",
        )  # fmt: skip
        append_alert(alerts, raised)
    text = outcome_text(outcome, 200, figures=True)
    alerts.unlink()
    told = "temperature: from 00:00:00 UTC to the run's end: gpu0 of n is at 93 °C (limit 90 °C)"
    assert f": {told}\n" in text
    assert text.count("alert in ") == 8
    assert "and 2 more alerts in " in text


def test_numbers_have_the_pages_style(outcome: CampaignOutcome) -> None:
    text = outcome_text(outcome, 100, figures=True)
    assert numbers_without_style(text) == []
    assert "\n\n\n" not in text
    assert "?" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_only_commands_and_paths_are_longer_than_the_terminal(outcome: CampaignOutcome, width: int) -> None:
    lines = outcome_text(outcome, width, figures=True).splitlines()
    long = [line for line in lines if len(line) > width and not line.startswith(("next: ", "report: "))]
    assert long == []


def test_a_run_that_did_not_end_says_how_to_go_on(outcome: CampaignOutcome) -> None:
    state = outcome.state.model_copy(deep=True)
    state.runs[0].status, state.runs[0].reason = "failed", "the node is gone"  # type: ignore[assignment]
    results = [result for result in outcome.results if result.run != state.runs[0].run]
    text = outcome_text(CampaignOutcome(outcome.folder, state, results), 200, figures=True)
    assert "Offline: failed: the node is gone\n" in text
    assert f"next: `assay run --resume {outcome.folder.path} --retry-failed` runs again what failed\n" in text


def test_a_run_that_failed_says_why_in_the_servers_own_words(outcome: CampaignOutcome) -> None:
    reason = "every endpoint failed during warm-up: node-a: HTTP 500: out of memory\nlast lines of its log"
    verdict = Verdict(valid=False, words="failed: no result")
    failed = outcome.results[0].model_copy(update={"reason": reason, "verdict": verdict})
    text = outcome_text(CampaignOutcome(outcome.folder, outcome.state, [failed]), 200, figures=True)
    assert f"Offline: failed: no result; {reason.splitlines()[0]}\n" in text
    assert "last lines" not in text
