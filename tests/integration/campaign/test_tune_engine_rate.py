"""A search through settings for the highest rate on simulated servers: many searches, few server starts."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import Quiet, config, interrupting_run, latest

from assay.analysis.engine_models import Against, Try, Tuned
from assay.analysis.engine_tries import tuned_in
from assay.analysis.loads import Value
from assay.audit import Judgement, audit_path
from assay.campaign.runner import CampaignOutcome, resume_campaign, run_campaign
from assay.campaign.servers import servers
from assay.campaign.state import resumed_config
from assay.campaign.tune_engine.best import best_yaml
from assay.config import Config, load_config
from assay.runs import RunStatus, read_record
from assay.runs.campaign import BEST

pytestmark = pytest.mark.usefixtures("no_reports")
# It can do 800 requests a second at most, whatever the machine. Both probes of each search are far beyond, so that none
# has a rate and the campaign is over after its first start; time never ends a search.
SERVER = {"kind": "simulated", "ttft_ms": 10, "itl_ms": 0, "output_tokens": 1, "max_num_seqs": 8, "window": 8}
FIRST_RATE = 3000.0


def search_config(folder: Path, **engine: Any) -> Config:
    tuning = {"objective": "highest-rate", "settings": {"window": [4]}, "search_s": 100_000, **engine}
    campaign = {
        "kind": "tune-engine", "limits": ["p90(latency) < 100 ms"], "probes": 2, "first_rate": FIRST_RATE,
        "engine": tuning,
    }  # fmt: skip
    load = {"warmup_prompts": 1}
    return config(folder, engine=SERVER, load=load, campaign=campaign, cluster={"nodes": [{"name": "node-a"}]})


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignOutcome, list[int]]:
    """Carried out in two sittings, with the number of server starts of each."""
    folder = tmp_path_factory.mktemp("search")
    patch = pytest.MonkeyPatch()
    patch.setattr("assay.campaign.runner.render_reports", lambda *_: [])
    starts = [0]

    def counted(*arguments: Any) -> AbstractAsyncContextManager[Any]:
        starts[-1] += 1
        return servers(*arguments)

    patch.setattr("assay.campaign.runner.servers", counted)
    try:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run_campaign(search_config(folder), Quiet(interrupting_run(2))))
        begun, _ = latest(folder / "results")
        starts.append(0)
        return asyncio.run(resume_campaign(resumed_config(begun, None), begun, Quiet())), starts
    finally:
        patch.undo()


def test_windows_are_searched_on_servers_that_run(searched: tuple[CampaignOutcome, list[int]]) -> None:
    outcome, starts = searched
    runs = outcome.state.runs
    assert starts == [1, 1], "one start in each sitting"
    assert Counter(run.window for run in runs) == {None: 2, 4: 2}, "two searches of two probes on one start"
    for run in runs:
        assert run.run is not None
        (endpoint,) = read_record(outcome.folder.run(run.run)).endpoints
        assert endpoint.window == (run.window or 8)


def test_what_was_measured_is_kept_and_every_run_has_its_reason(
    searched: tuple[CampaignOutcome, list[int]],
) -> None:
    outcome, _ = searched
    runs = outcome.state.runs
    assert [run.status for run in runs] == [RunStatus.COMPLETED] * len(runs)
    assert outcome.sound
    assert len([run for run in runs if run.earlier]) == 1, "the run that was interrupted"
    assert all(run.probe is not None and run.probe.why for run in runs)
    found = tuned_in(outcome.folder, outcome.state, outcome.results)
    assert found.outcome == "not compared"
    assert all(one.rate is None and one.reason for one in found.tries)
    first = runs[0]
    assert first.shape is not None
    assert first.shape.title == "3,000 samples/s asked for (Poisson)"
    problems = [
        one for one in audit_path(outcome.folder.path).problems if one.rule in ("campaign-runs", "engine-search")
    ]
    assert [one.arithmetic for one in problems if one.verdict is Judgement.CONTRADICTED] == []


def test_best_yaml_is_a_search_that_runs_as_it_is(tmp_path: Path) -> None:
    of = search_config(tmp_path, settings={"max_num_seqs": [4]})
    common: dict[str, Any] = {"servers": None, "window": None, "stage": "final", "starts": 3, "confirmed": 3}
    found = Tuned(
        objective="highest-rate", limits=["p90 latency ≤ 100 ms"], best="max_num_seqs 4", scores=[], outcome="better",
        against=[Against(name="max_num_seqs 4", ratio=2, low=1.9, high=2.1)],
        tries=[
            Try(name="as configured", settings={}, default=True, rates={"final": Value(value=50)}, **common),
            Try(name="max_num_seqs 4", settings={"max_num_seqs": 4}, default=False,
                rates={"final": Value(value=100.0)}, **common),
        ],
    )  # fmt: skip
    (tmp_path / BEST).write_text(best_yaml(of, found, "made-up"))
    short = ["campaign.budget=3", "campaign.probes=1", f"output={tmp_path / 'again'}"]
    outcome = asyncio.run(run_campaign(load_config(tmp_path / BEST, short), Quiet()))
    assert outcome.sound
    (run,) = outcome.state.runs
    assert run.shape is not None
    assert run.shape.title == "100 samples/s asked for (Poisson)"
    assert outcome.state.rate_search is not None
    assert outcome.state.rate_search.limits == of.campaign.limits
