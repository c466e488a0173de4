"""Rates that an earlier campaign gives official runs: the confirmed ones of the same servers, or else the reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from tests.campaigns import config
from tests.rate_probes import begun, carry_on, search_config
from tests.synthetic import Node, Plan, write_run

from assay.analysis.rate_answer import rate_answer
from assay.campaign.earlier_rates import earlier_rates
from assay.campaign.kinds import plan_runs
from assay.commands.main import main
from assay.config import Config
from assay.errors import UserError
from assay.runs import CampaignFolder, CampaignState, RunStatus, read_campaign, read_record, write_json

SEARCH = {"scenario": "Server", "limits": ["p95(latency) < 150 ms"]}


def searched(folder: Path, *, most: int = 100, run: dict[str, Any] | None = None, **campaign: Any) -> CampaignFolder:
    settings = search_config(folder, **{**SEARCH, **campaign})
    where, state = begun(settings)
    carry_on(settings, where, state, most=most, **(run or {}))
    return where


def asked(folder: Path, **changes: Any) -> Config:
    """Official runs on the servers that were searched."""
    facts = {
        "cluster": {}, "engine": {"kind": "simulated"}, "scenarios": ["Offline", "Server"], "dataset": {},
        "official": True, "campaign": {"kind": "official"}, "modes": ["performance", "accuracy"],
    }  # fmt: skip
    return config(folder, **{**facts, **changes})


def reasons(campaign: CampaignFolder, settings: Config) -> str:
    with pytest.raises(UserError) as refused:
        earlier_rates([campaign.path], settings)
    return str(refused.value)


def test_a_confirmed_rate_is_servers_and_a_short_confirmation_is_told(tmp_path: Path) -> None:
    campaign = searched(tmp_path)
    answer = rate_answer(campaign, read_campaign(campaign))
    assert answer.confirmed
    found = earlier_rates([campaign.path], asked(tmp_path))
    assert found.rates == {"Server": answer.rate}
    assert "confirmed by a short run alone" in found.said[0]
    assert found.settings == [f"target_qps.Server={answer.rate:g}"]


def test_a_rate_that_no_run_confirmed_is_refused(tmp_path: Path) -> None:
    campaign = searched(tmp_path)
    state = read_campaign(campaign)
    state.runs = [entry for entry in state.runs if entry.probe is None or entry.probe.role != "confirm"]
    assert state.rate_search is not None
    state.rate_search = state.rate_search.model_copy(update={"budget_s": rate_answer(campaign, state).seconds})
    write_json(campaign.state, state)
    answer = rate_answer(campaign, state)
    assert answer.rate is not None
    assert not answer.confirmed
    assert "no run confirmed a rate: the budget is spent" in reasons(campaign, asked(tmp_path))


def test_a_search_that_is_not_over_is_refused(tmp_path: Path) -> None:
    assert "no run confirmed a rate" in reasons(searched(tmp_path, most=2), asked(tmp_path))


def test_a_rate_that_the_client_could_have_shaped_is_refused(tmp_path: Path) -> None:
    campaign = searched(tmp_path)
    state = read_campaign(campaign)
    last = campaign.run(state.runs[-1].run or "")
    record = read_record(last)
    busy = record.client.model_copy(update={"client_bound": True, "cpu_share": {"loadgen": 0.99}})
    write_json(last.record, record.model_copy(update={"client": busy}))
    told = reasons(campaign, asked(tmp_path))
    assert "the load generator could have shaped its confirming run" in told


def test_a_rate_of_the_pacers_own_limits_is_refused(tmp_path: Path) -> None:
    assert "search with --scenario Server" in reasons(searched(tmp_path, scenario=None), asked(tmp_path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine": {"kind": "simulated", "ttft_ms": 7}}, "engine.ttft_ms is"),
        ({"benchmark": "llama3.1-8b"}, "benchmark is smollm2-135m there, llama3.1-8b here"),
        ({"cluster": {"nodes": [{"name": "other"}]}}, "nodes are local there, other here"),
        ({"engine": {"kind": "vllm", "model": "m"}}, "its endpoints were simulated"),
        ({"scenarios": ["Offline", "Interactive"]}, "its rate is Server's, which scenarios doesn't have"),
    ],
)
def test_a_rate_of_other_servers_or_beside_another_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    assert words in reasons(searched(tmp_path), asked(tmp_path, **changes))


def test_it_goes_before_the_configurations_rate_and_never_before_a_user_confs(tmp_path: Path) -> None:
    campaign = searched(tmp_path)
    assert (
        "instead of target_qps.Server, 2"
        in earlier_rates([campaign.path], asked(tmp_path, target_qps={"Server": 2})).said[0]
    )
    conf = tmp_path / "user.conf"
    conf.write_text("*.Server.target_qps = 3\n")
    told = reasons(campaign, asked(tmp_path, loadgen={"user_conf": str(conf)}))
    assert f"LoadGen would take 3 from {conf}: leave one of them out" in told


def test_the_command_plans_with_the_rate_and_says_where_it_comes_from(tmp_path: Path) -> None:
    campaign = offline(tmp_path, 200)  # whose assay.yaml is that of official runs
    shown = CliRunner().invoke(
        main, ["run", str(tmp_path / "assay.yaml"), "--from", str(campaign.path), "--plan", "--json"]
    )
    assert shown.exit_code == 0, shown.output
    planned = {entry["key"]: entry["target_qps"] for entry in orjson.loads(shown.stdout)}
    (rate,) = earlier_rates([campaign.path], asked(tmp_path)).rates.values()
    assert planned["offline-performance-r0"] == rate
    assert "offline-planning-r0" not in planned
    assert "are expected, as measured in first" in shown.stderr


def offline(folder: Path, samples: int, *, status: RunStatus = RunStatus.COMPLETED) -> CampaignFolder:
    """A campaign whose first run, a planning run, ended."""
    settings = asked(folder, target_qps={"Server": 1})
    runs = plan_runs(settings, ["local"])
    campaign, state = begun(settings)
    assert [entry.key for entry in state.runs] == [entry.key for entry in runs]
    run = write_run(campaign.runs, Plan(nodes=(Node("local", slots=4),), samples=samples, run_id="first"))
    write_json(run.record, read_record(run).model_copy(update={"samples": 13_368, "status": status}))
    state.runs[0].run, state.runs[0].status = "first", status
    write_json(campaign.state, CampaignState.model_validate(state.model_dump()))
    return campaign


def test_the_rate_of_an_earlier_planning_run_is_offlines_and_no_new_one_is_planned(tmp_path: Path) -> None:
    settings = asked(tmp_path, target_qps={"Server": 1})
    found = earlier_rates([offline(tmp_path, 200).path], settings)
    assert list(found.rates) == ["Offline"]
    again = asked(tmp_path, target_qps={"Server": 1, **found.rates})
    assert not any(entry.planning for entry in plan_runs(again, ["local"]))


def test_an_offline_run_that_says_too_little_is_refused(tmp_path: Path) -> None:
    settings = asked(tmp_path, target_qps={"Server": 1})
    assert "first was too short to fill its places" in reasons(offline(tmp_path, 8), settings)


def test_an_offline_run_that_failed_is_refused(tmp_path: Path) -> None:
    settings = asked(tmp_path, target_qps={"Server": 1})
    assert "first has no rate: failed" in reasons(offline(tmp_path, 200, status=RunStatus.FAILED), settings)
