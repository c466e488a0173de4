"""What is printed at the end of a campaign: its figures, what became of the samples, verdicts, what to do next."""

from __future__ import annotations

import asyncio
import re

import pytest
from tests.campaigns import FAST, Quiet, config
from tests.number_style import numbers_without_style

from assay.campaign.runner import CampaignOutcome, run_campaign
from assay.commands.outcome_text import outcome_text
from assay.runs import Ledger, read_object, write_json
from assay.runs.alerts import AlertEvent, append_alert
from assay.runs.folder import ReportFolder
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


def test_ledgers_that_are_in_order_are_one_row_and_each_verdict_has_its_runs(outcome: CampaignOutcome) -> None:
    text = outcome_text(outcome, 100)
    ledgers = [line.split() for line in text.splitlines() if line.endswith("balanced")]
    assert ledgers == [["all", "4", "runs", "32", "32", "0", "0", "balanced"]]
    joined = " ".join(text.split())
    short = "short run: not valid for MLPerf"
    assert f"Offline: {short} (LoadGen: VALID by the short run's own settings, which aren't MLPerf's)" in joined
    why = rf"Server 50 samples/s asked for: {short} \(LoadGen: INVALID\): early stopping not met: \d+ more queries"
    assert re.search(why, joined)
    step = str((read_object(ReportFolder(outcome.folder.path).data) or {})["next"])
    assert step.startswith("Next: ")
    assert step in joined, "the page's own, whatever this machine's load generator was"


def test_a_ledger_with_samples_without_an_answer_has_a_row_of_its_own(outcome: CampaignOutcome) -> None:
    ledger = outcome.folder.run(outcome.state.runs[0].run or "").ledger
    before = ledger.read_bytes()
    known = Ledger.model_validate_json(before)
    write_json(ledger, known.model_copy(update={"completed": 5, "failed": 2, "lost": 1, "resent": 3}))
    text = outcome_text(outcome, 100)
    ledger.write_bytes(before)
    rows = [" ".join(line.split()) for line in text.splitlines() if "balanced" in line.casefold()]
    assert rows == ["all 3 other runs 24 24 0 0 balanced", "Offline 8 5 2 1 balanced, 3 re-sent"]


def test_the_answer_is_first_and_again_beside_the_reports_path(outcome: CampaignOutcome) -> None:
    text = outcome_text(outcome, 80)
    first, *later = (read_object(outcome.folder.report_json) or {})["answer"]
    assert " ".join(text.split()).startswith(" ".join([first, *later]))
    *_, end = text.split("\n\n")
    said, path = " ".join(end.split()).split(" report: ")
    assert said == f"answer: {first.partition(';')[0].removesuffix('.')}"
    assert path == str(outcome.folder.report)
    table = text.index("In brackets: 95 % intervals")
    order = [
        text.index(first.split()[0]),
        table,
        text.index("= completed"),
        text.index("\n- "),
        text.index("\nanswer:"),
    ]
    assert order == sorted(order)


def test_a_questions_own_table_stands_in_place_of_the_figures(outcome: CampaignOutcome) -> None:
    text = outcome_text(outcome, 100, table="its own\n")
    assert "\n\nits own\n\n" in text
    assert "ITL" in outcome_text(outcome, 100)
    assert "ITL" not in text
    assert "rougeL" in text


def test_what_was_raised_meanwhile_is_told_a_runs_first_ones(outcome: CampaignOutcome) -> None:
    entry = outcome.state.runs[0]
    alerts = outcome.folder.run(entry.run or "").alerts
    for number in range(10):
        raised = AlertEvent(
            time_ns=9, clock_offset_ns=0, event="raised", rule="temperature", node="n", device=f"gpu{number}",
            since_ns=1, value=93.0, limit=90.0, unit="°C", words=f"gpu{number} of n is at 93 °C (limit 90 °C).",
        )  # fmt: skip
        append_alert(alerts, raised)
    text = outcome_text(outcome, 200)
    alerts.unlink()
    told = "temperature: from 00:00:00 UTC to the run's end: gpu0 of n is at 93 °C (limit 90 °C)"
    assert f": {told}\n" in text
    assert text.count("alert in ") == 8
    assert "and 2 more alerts in " in text


def test_numbers_have_the_pages_style(outcome: CampaignOutcome) -> None:
    text = outcome_text(outcome, 100)
    assert numbers_without_style(text) == []
    assert "\n\n\n" not in text
    assert "?" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_only_commands_and_paths_are_longer_than_the_terminal(outcome: CampaignOutcome, width: int) -> None:
    lines = outcome_text(outcome, width).splitlines()
    long = [line for line in lines if len(line) > width and not line.startswith(("  `assay ", "report: "))]
    assert long == []


def test_a_run_that_did_not_end_says_how_to_go_on(outcome: CampaignOutcome) -> None:
    state = outcome.state.model_copy(deep=True)
    state.runs[0].status, state.runs[0].reason = "failed", "the node is gone"  # type: ignore[assignment]
    results = [result for result in outcome.results if result.run != state.runs[0].run]
    text = outcome_text(CampaignOutcome(outcome.folder, state, results), 200)
    assert "Offline: failed: the node is gone\n" in text
    assert "run again what failed, which keeps what was measured: `assay run --resume . --retry-failed` in " in text


def test_a_try_that_failed_is_told_why_by_the_searchs_own_table_alone(outcome: CampaignOutcome) -> None:
    state = outcome.state.model_copy(deep=True)
    tried = state.runs[0]
    tried.status, tried.reason = "failed", "the node is gone\nlast lines"  # type: ignore[assignment]
    tried.stage, tried.settings = "short", {"max_num_seqs": 16}
    results = [result for result in outcome.results if result.run != tried.run]
    text = outcome_text(CampaignOutcome(outcome.folder, state, results), 200, table="No rate: the node is gone\n")
    assert "max_num_seqs 16 (short): failed\n" in text
    assert text.count("the node is gone") == 1
    assert "last lines" not in text


def test_a_run_that_failed_says_why_in_the_servers_own_words(outcome: CampaignOutcome) -> None:
    reason = "every endpoint failed during warm-up: node-a: HTTP 500: out of memory\nlast lines of its log"
    verdict = Verdict(valid=False, words="failed: no result")
    failed = outcome.results[0].model_copy(update={"reason": reason, "verdict": verdict})
    text = outcome_text(CampaignOutcome(outcome.folder, outcome.state, [failed]), 200)
    assert f"Offline: failed: no result; {reason.splitlines()[0]}\n" in text
    assert "last lines" not in text


@pytest.mark.parametrize("told", [True, False])
def test_why_a_node_is_left_out_is_told_once(
    outcome: CampaignOutcome, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    why = "server node-b ended by itself (exit code 1)"
    state = outcome.state.model_copy(deep=True)
    state.runs[0].status, state.runs[0].reason = "failed", f"{why}\nlast lines"  # type: ignore[assignment]
    state.left_out = {"node-b": f"node-b ended as failed: {why}"}
    answer = [f"Offline failed: {why}."] if told else ["All of it."]
    monkeypatch.setattr("assay.commands.outcome_text.answer_lines", lambda folder: answer)
    text = outcome_text(CampaignOutcome(outcome.folder, state, []), 200)
    assert ("node node-b is left out\n" in text) == told
    assert (f"node node-b is left out: node-b ended as failed: {why}\n" in text) != told
