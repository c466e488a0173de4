"""From a configuration to its list of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import config

from assay.benchmarks import get_benchmark
from assay.campaign.kinds import check_benchmark, plan_runs
from assay.campaign.planning import looked_over, planned
from assay.campaign.replan import plan_without
from assay.errors import UserError
from assay.load.room import Room
from assay.runs import CampaignState, RunEntry, RunStatus
from assay.runs.shapes import ConcurrencyShape

NODES = ["n1", "n2", "n3", "n4", "n5"]


def plan(folder: Path, nodes: list[str] = NODES, **changes: Any) -> list[RunEntry]:
    return plan_runs(config(folder, **changes), nodes)


def state_of(runs: list[RunEntry]) -> CampaignState:
    return CampaignState(id="x", kind="scaling", name="x", started_utc="", config_sha256="", seed=0, runs=runs)


def test_single_is_every_scenario_in_every_mode(tmp_path: Path) -> None:
    changes = {"scenarios": ["Offline", "Server"], "modes": ["performance", "accuracy"], "target_qps": {"Server": 2}}
    runs = plan(tmp_path, queries={"Offline": 3}, campaign={"repeats": 2}, **changes)
    assert [entry.key for entry in runs[:4]] == [
        "offline-performance-r0", "offline-accuracy-r0", "server-performance-r0", "server-accuracy-r0",
    ]  # fmt: skip
    assert len({entry.key for entry in runs}) == len(runs) == 8
    assert [entry.queries for entry in runs[:2]] == [3, None]
    assert all(entry.nodes == NODES for entry in runs)


def test_scaling_measures_each_node_alone_and_2_4_all(tmp_path: Path) -> None:
    runs = plan(tmp_path, campaign={"kind": "scaling"})
    for repeat in range(3):
        block = [entry for entry in runs if entry.repeat == repeat]
        groups = sorted((entry.nodes for entry in block), key=len)
        assert sorted(groups[:5]) == [[node] for node in NODES]
        assert groups[5:] == [NODES[:2], NODES[:4], NODES]
    assert {(entry.scenario, entry.mode, entry.queries, entry.window) for entry in runs} == {
        ("Offline", "performance", None, None)
    }


def test_scaling_runs_the_nodes_alone_first_then_in_random_order(tmp_path: Path) -> None:
    def order(seed: int) -> list[str]:
        return [entry.key for entry in plan(tmp_path, campaign={"kind": "scaling", "seed": seed, "repeats": 4})]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert all(key.startswith("alone") for key in order(1)[:5])
    later = order(1)[8:]
    assert [key[:-3] for key in later[:8]] != [key[:-3] for key in later[8:16]]
    assert any(key.startswith("together") for key in later[:5]), "later blocks mix both sides"


def test_scaling_queries_may_grow_with_the_nodes(tmp_path: Path) -> None:
    runs = plan(tmp_path, NODES[:3], campaign={"kind": "scaling", "queries_per_node": 7})
    assert {len(entry.nodes): entry.queries for entry in runs} == {1: 7, 2: 14, 3: 21}


def test_a_node_left_out_is_on_neither_side(tmp_path: Path) -> None:
    settings = config(tmp_path, campaign={"kind": "scaling", "repeats": 2})
    state = state_of(plan_runs(settings, NODES[:4]))
    done = next(entry for entry in state.runs if entry.nodes == ["n2"])
    done.status = RunStatus.FAILED
    state.left_out = {"n2": "no answer"}
    plan_without(state, settings, NODES[:4])
    todo = state.todo
    assert not any("n2" in entry.nodes for entry in todo)
    groups = {entry.key: entry.nodes for entry in todo if len(entry.nodes) > 1}
    assert groups == {
        f"together-{size}-r{repeat}": nodes
        for repeat in (0, 1)
        for size, nodes in ((2, ["n1", "n3"]), (3, ["n1", "n3", "n4"]))
    }
    assert done.status is RunStatus.FAILED
    skipped = [entry for entry in state.runs if entry.status is RunStatus.SKIPPED]
    assert {entry.key for entry in skipped} == {"alone-n2-r0", "alone-n2-r1", "together-4-r0", "together-4-r1"} - {
        done.key
    }
    assert {entry.reason for entry in skipped} == {"left out: n2"}


def test_a_node_that_is_back_takes_part_again(tmp_path: Path) -> None:
    settings = config(tmp_path, campaign={"kind": "scaling", "repeats": 1})
    whole = plan_runs(settings, NODES[:4])
    state = state_of([entry.model_copy() for entry in whole])
    state.left_out = {"n2": "no answer"}
    plan_without(state, settings, NODES[:4])
    state.left_out = {}
    for entry in state.runs:
        entry.status = None
    plan_without(state, settings, NODES[:4])
    assert {entry.key: entry.nodes for entry in state.todo} == {entry.key: entry.nodes for entry in whole}


def test_sweep_points_in_random_order(tmp_path: Path) -> None:
    campaign = {"kind": "sweep", "rates": [1, 2.5], "concurrencies": [4, 8], "repeats": 2, "seed": 3}
    runs = plan(tmp_path, scenarios=["Server"], campaign=campaign, queries={"Concurrency": 40})
    assert {entry.key[:-3]: (entry.scenario, entry.target_qps, entry.shape) for entry in runs} == {
        "server-1qps": ("Server", 1.0, None),
        "server-2.5qps": ("Server", 2.5, None),
        "4-in-flight": ("Concurrency", None, ConcurrencyShape(concurrency=4, requests=40)),
        "8-in-flight": ("Concurrency", None, ConcurrencyShape(concurrency=8, requests=40)),
    }
    assert len({entry.key for entry in runs}) == 8
    assert [entry.key[:-3] for entry in runs[:4]] != [entry.key[:-3] for entry in runs[4:]]


def test_official_is_what_a_submission_needs(tmp_path: Path) -> None:
    campaign = {"kind": "official", "compliance": ["TEST06"]}
    scenarios = ["SingleStream", "Offline", "Interactive"]
    runs = plan(tmp_path, scenarios=scenarios, target_qps={"Interactive": 1}, campaign=campaign)
    assert [(entry.key, entry.mode, entry.compliance) for entry in runs] == [
        ("offline-performance-r0", "performance", None),
        ("offline-accuracy-r0", "accuracy", None),
        ("interactive-performance-r0", "performance", None),
        ("interactive-accuracy-r0", "accuracy", None),
        ("offline-test06-r0", "performance", "TEST06"),
        ("interactive-test06-r0", "performance", "TEST06"),
    ]


def test_official_runs_of_one_mode_where_accuracy_has_samples_of_its_own(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "benchmark": "gpt-oss-120b",
        "scenarios": ["Offline", "Server"],
        "target_qps": {"Server": 1},
        "campaign": {"kind": "official", "compliance": ["TEST09"]},
    }
    timed = plan(tmp_path, modes=["performance"], **changes)
    assert [entry.key for entry in timed] == [
        "offline-performance-r0", "server-performance-r0", "offline-test09-r0", "server-test09-r0",
    ]  # fmt: skip
    apart = plan(
        tmp_path, modes=["performance"], **changes | {"campaign": {"kind": "official", "compliance": ["TEST07"]}}
    )
    assert [(entry.key, entry.compliance) for entry in apart] == [
        ("offline-test07-r0", "TEST07"), ("server-test07-r0", "TEST07"),
    ]  # fmt: skip
    with pytest.raises(UserError, match=r"TEST07 has samples of its own.*compliance: \[TEST07\]"):
        plan(tmp_path, **changes | {"campaign": {"kind": "official", "compliance": ["TEST07", "TEST09"]}})
    scored = plan(tmp_path, modes=["accuracy"], **changes)
    assert [entry.key for entry in scored] == ["offline-accuracy-r0", "server-accuracy-r0"]
    check_benchmark(timed, get_benchmark("gpt-oss-120b"))
    with pytest.raises(UserError, match=r"gpt-oss-120b's accuracy runs have samples of their own"):
        check_benchmark(timed + scored, get_benchmark("gpt-oss-120b"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"campaign": {"kind": "official"}}, "needs scenarios Offline and Server or Interactive"),
        (
            {"benchmark": "llama3.1-8b", "campaign": {"kind": "official", "compliance": ["TEST09"]}},
            "TEST09 is no test of llama3.1-8b; MLPerf asks for TEST06",
        ),
        (
            {"benchmark": "llama3.1-8b-edge", "campaign": {"kind": "official", "compliance": ["TEST06"]}},
            "TEST06 is no test of llama3.1-8b-edge; MLPerf asks for none",
        ),
        ({"campaign": {"kind": "scaling"}, "scenarios": ["SingleStream"]}, "add Offline to scenarios"),
        ({"campaign": {"kind": "sweep", "rates": [1]}}, "needs Server or Interactive"),
        ({"campaign": {"kind": "sweep"}}, "sweep needs campaign.rates or campaign.concurrencies"),
        ({"scenarios": ["Server"]}, "target_qps.Server is needed"),
        ({"campaign": {"kind": "sweep", "rates": [1, 1]}}, "must differ"),
        ({"campaign": {"kind": "sweep", "rates": [-1]}}, "greater than"),
        ({"campaign": {"kind": "scaling", "queries_per_node": 5}, "official": True, "dataset": {}}, "the rules set"),
    ],
)
def test_what_cannot_answer_the_question_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan(tmp_path, **changes)


def test_a_user_confs_rate_is_the_plans_and_suffices(tmp_path: Path) -> None:
    conf = tmp_path / "user.conf"
    conf.write_text("*.Server.target_qps = 3\n")
    changes: dict[str, Any] = {"loadgen": {"user_conf": str(conf)}, "scenarios": ["Server"]}
    assert [entry.target_qps for entry in plan(tmp_path, **changes)] == [3]
    with pytest.raises(UserError, match="every run would have the rate of"):
        plan(tmp_path, campaign={"kind": "sweep", "rates": [1, 2]}, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": {"kind": "simulated", "speeds": {"node-z": 2}}}, "name node-z, but the nodes are node-a, node-b"),
        ({"loadgen": {"user_conf": "none.conf"}}, "none.conf can't be read"),
        (
            {
                "loadgen": {"user_conf": "none.conf"},
                "campaign": {"kind": "bench", "loads": [{"kind": "concurrency", "concurrency": 1}]},
            },
            "none.conf can't be read",
        ),
    ],
)
def test_mistakes_are_told_before_anything_is_read_or_started(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        planned(config(tmp_path, **changes))


def test_looking_over_refuses_what_a_run_would_and_a_run_without_token_ids_is_one(tmp_path: Path) -> None:
    prompts, loads = tmp_path / "p.jsonl", [{"kind": "concurrency", "concurrency": 1, "requests": 2}]
    prompts.write_text('{"prompt": "Hello."}\n')
    changes: dict[str, Any] = {"benchmark": "own-prompts", "dataset": {"path": str(prompts)}}
    changes |= {"campaign": {"kind": "bench", "loads": loads}, "queries": {}, "target_qps": {}}
    external = {"kind": "external", "endpoints": [{"url": "http://127.0.0.1:1"}], "model": "m"}
    _, runs, dataset = looked_over(config(tmp_path, **changes, engine=external))
    assert (len(runs), len(dataset)) == (1, 1)
    with pytest.raises(UserError, match="set tokenizer to the model's folder"):
        looked_over(config(tmp_path, **changes, engine={"kind": "simulated"}))


def test_looking_over_refuses_more_connections_than_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = tmp_path / "p.jsonl"
    prompts.write_text('{"prompt": "Hello."}\n' * 8)
    settings = config(
        tmp_path,
        benchmark="own-prompts",
        dataset={"path": str(prompts)},
        campaign={"kind": "bench", "loads": [{"kind": "concurrency", "concurrency": 5, "requests": 8}]},
        engine={"kind": "external", "endpoints": [{"url": "http://127.0.0.1:1"}], "model": "m"},
    )
    looked_over(settings)
    monkeypatch.setattr("assay.load.room.Room.here", lambda: Room(open_files=104))
    with pytest.raises(UserError, match="5 connections over 1 worker need 105 open files"):
        looked_over(settings)
