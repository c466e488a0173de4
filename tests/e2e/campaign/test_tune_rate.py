"""A search on a simulated server whose capacity is known, killed after its first probe, and resumed."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from tests.campaigns import Controller, latest, settings, write_settings

from assay.analysis.rate_answer import RateAnswer, rate_answer
from assay.analysis.rate_search import rate_of
from assay.audit import Judgement, audit_path
from assay.commands.main import main
from assay.runs import CampaignState, read_ledger
from assay.runs.campaign import find_campaigns

pytestmark = [pytest.mark.resume, pytest.mark.slow]

PLACES, SERVICE_MS = 2, 40
CAPACITY = 1000 * PLACES / SERVICE_MS
"""Requests a second that it can do; a busy machine does less, none does more."""


def over(output: Path) -> list[str]:
    """Runs of the campaign that are over."""
    if not find_campaigns(output):
        return []
    return [entry.run for entry in latest(output)[1].runs if entry.ended and entry.run]


def test_a_search_that_is_killed_goes_on_and_finds_no_more_than_the_server_can_do(tmp_path: Path) -> None:
    campaign = {
        "kind": "tune-rate", "limits": ["p90(latency) < 600 ms"], "precision": "10%", "budget": "45s", "probes": 5,
        "first_rate": 2 * CAPACITY,
    }  # fmt: skip
    engine = {"kind": "simulated", "ttft_ms": SERVICE_MS, "itl_ms": 0, "output_tokens": 1, "max_num_seqs": PLACES}
    file = write_settings(tmp_path / "assay.yaml", settings(
        tmp_path / "results", engine=engine, cluster={}, campaign=campaign,
        load={"warmup_prompts": 1, "stall_timeout_s": 60},
    ))  # fmt: skip
    controller = Controller(file)
    deadline_s = time.monotonic() + 120
    while not over(tmp_path / "results") and time.monotonic() < deadline_s:
        time.sleep(0.05)
    controller.kill()
    before = over(tmp_path / "results")
    assert before, controller.log.read_text()
    assert controller.gone()

    shown = CliRunner().invoke(main, ["tune", "rate", str(file), "--resume", "--json", "--quiet"])
    assert shown.exit_code in (0, 3), shown.output
    told = orjson.loads(shown.stdout)
    answer = RateAnswer.model_validate(told["rate"])
    folder, state = latest(tmp_path / "results")
    assert [entry.run for entry in state.runs][: len(before)] == before, "what was measured is kept"
    assert len(state.sessions) == 2
    assert shown.exit_code == (0 if answer.confirmed else 3)
    assert answer == rate_answer(folder, state)
    _is_the_servers(answer, state)
    for entry in state.runs:
        assert read_ledger(folder.run(entry.run or "")).balanced
    wrong = (Judgement.CONTRADICTED, Judgement.IMPOSSIBLE)
    assert [one for one in audit_path(folder.path).problems if one.verdict in wrong] == []


def _is_the_servers(answer: RateAnswer, state: CampaignState) -> None:
    """Whatever the machine's speed: twice the capacity breaks the limit, and no rate far beyond it is found."""
    first = answer.points[0]
    assert rate_of(state.runs[0]) == first.rate == 2 * CAPACITY
    assert first.verdict == "over"
    assert first.ended.endswith(", sure")
    assert answer.outcome in ("found", "stopped")
    assert answer.low is None or answer.low <= 1.5 * CAPACITY, "probes this short are sure of no less"
