"""Whole campaigns, load by load: what is put side by side, what got faster, and what isn't compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis import summarise
from assay.analysis.campaign_compare import CampaignComparison, CampaignMeasured, LoadCompared, compare_campaigns
from assay.analysis.changes import Change
from assay.errors import UserError
from assay.runs import CampaignFolder, RunEntry, read_campaign, read_record, write_json
from assay.runs.shapes import ConcurrencyShape

NODE = Node("node-a")
PLAN = Plan(samples=300, nodes=(NODE,), chunks=False, telemetry=False)


def campaign(
    parent: Path, name: str, plans: Mapping[str, Plan], changes: Mapping[str, Mapping[str, object]] | None = None
) -> CampaignFolder:
    """A closed campaign; `changes` are of planned runs, by key."""
    folder = write_campaign(parent, dict(plans), "sweep", name)
    state = read_campaign(folder)
    for place, entry in enumerate(state.runs):
        run = folder.run(entry.run or "")
        own = dict((changes or {}).get(entry.key, {}))
        write_json(run.record, read_record(run).model_copy(update={k: v for k, v in own.items() if k == "shape"}))
        write_json(run.result, summarise(run))
        state.runs[place] = RunEntry.model_validate(entry.model_dump() | own)
    write_json(folder.state, state)
    return folder


def in_flight(places: Mapping[str, int], *, duration_s: float = 60) -> dict[str, dict[str, object]]:
    shapes = {key: ConcurrencyShape(concurrency=count, duration_s=duration_s) for key, count in places.items()}
    return {key: {"scenario": "Concurrency", "shape": shape} for key, shape in shapes.items()}


def compared(base: CampaignFolder, other: CampaignFolder) -> CampaignComparison:
    (found,) = compare_campaigns([CampaignMeasured(base), CampaignMeasured(other)])
    return found


def rates(*loads: float, node: Node = NODE, samples: int = 300) -> dict[str, Plan]:
    server = replace(PLAN, scenario="Server", nodes=(node,), samples=samples)
    return {f"server{load:g}-r0": replace(server, qps=load, seed=int(load)) for load in loads}


def test_loads_are_put_side_by_side_and_what_is_in_one_alone_is_named(tmp_path: Path) -> None:
    base = campaign(tmp_path, "base", rates(1, 2, 4))
    found = compared(base, campaign(tmp_path, "other", rates(4, 2, 3, node=replace(NODE, speed=0.5))))
    assert [(load.load, load.axis, load.value) for load in found.loads] == [
        ("2 samples/s asked for", "rate", 2.0),
        ("4 samples/s asked for", "rate", 4.0),
    ]
    assert (found.only_baseline, found.only_other) == (["1 samples/s asked for"], ["3 samples/s asked for"])
    assert [load.outcome for load in found.loads] == ["slower", "slower"]
    quantities = {change.quantity: change for change in found.loads[0].changes}
    assert list(quantities) == ["TTFT, median", "TPOT, median", "TTFT p99", "TPOT p99"]
    assert quantities["TPOT, median"].ratio == pytest.approx(2.0, rel=0.1)
    assert found.differences == []


def test_in_a_closed_loop_the_rate_decides(tmp_path: Path) -> None:
    base = campaign(tmp_path, "base", {"offline-r0": PLAN, "offline-r1": replace(PLAN, seed=2)})
    fast = replace(PLAN, nodes=(replace(NODE, speed=2.0),))
    (load,) = compared(base, campaign(tmp_path, "other", {"offline-r0": fast})).loads
    assert (load.outcome, len(load.baseline_runs), len(load.runs)) == ("faster", 2, 1)
    assert [change.quantity for change in load.changes if change.decisive] == ["Output tokens/s"]


def test_intervals_of_all_loads_hold_together(tmp_path: Path) -> None:
    """Each is wider than that of one load compared alone: the risk is divided among all."""
    one = compared(campaign(tmp_path, "a", rates(2)), campaign(tmp_path, "b", rates(2)))
    three = compared(campaign(tmp_path, "c", rates(1, 2, 4)), campaign(tmp_path, "d", rates(1, 2, 4)))
    alone, among = one.loads[0].changes[1], next(load for load in three.loads if load.value == 2.0).changes[1]
    assert alone.ratio == among.ratio
    assert alone.high is not None
    assert among.high is not None
    assert among.high > alone.high


def test_other_machines_have_other_names(tmp_path: Path) -> None:
    """Two nodes together are put beside two; each alone fits several, and isn't guessed at."""
    there = (Node("gpu-1"), Node("gpu-2"))
    here = (NODE, Node("node-b"))

    def scaling(nodes: tuple[Node, Node]) -> dict[str, Plan]:
        alone = {f"alone-{node.name}-r0": replace(PLAN, nodes=(node,)) for node in nodes}
        return alone | {"together-r0": replace(PLAN, nodes=nodes)}

    base, other = campaign(tmp_path, "base", scaling(here)), campaign(tmp_path, "other", scaling(there))
    found = compared(base, other)
    assert [(load.baseline_nodes, load.nodes) for load in found.loads] == [(["node-a", "node-b"], ["gpu-1", "gpu-2"])]
    assert (found.only_baseline, found.only_other) == (["node-a", "node-b"], ["gpu-1", "gpu-2"])
    assert any(note.startswith("Their nodes have other names") for note in found.notes)


def test_how_long_a_load_lasts_may_differ(tmp_path: Path) -> None:
    plans = {"eight-r0": replace(PLAN, scenario="Concurrency"), "two-r0": replace(PLAN, scenario="Concurrency")}
    places = {"eight-r0": 8, "two-r0": 2}
    base = campaign(tmp_path, "base", plans, in_flight(places))
    other = campaign(tmp_path, "other", plans, in_flight(places, duration_s=120))
    for folder, kind in ((base, "bench"), (other, "tune-curve")):
        loads = [{"kind": "concurrency"}] if kind == "bench" else None
        for key in plans:
            write_json(folder.run(key).config, {"campaign": {"kind": kind, "loads": loads, "seed": 1}})
    found = compared(base, other)
    assert [(load.axis, load.value) for load in found.loads] == [("concurrency", 2.0), ("concurrency", 8.0)]
    (lasts,) = found.differences
    assert (lasts.where, lasts.fact, lasts.baseline, lasts.other) == ("run.json", "load.duration_s", "60", "120")


def test_what_measured_other_samples_or_nothing_in_common_is_refused(tmp_path: Path) -> None:
    base = campaign(tmp_path, "base", rates(1))
    one, nine = (f"Server {rate} samples/s asked for" for rate in (1, 9))
    with pytest.raises(UserError, match=f"no load is in both: base measured {one}; far measured {nine}"):
        compared(base, campaign(tmp_path, "far", rates(9)))
    foreign = campaign(tmp_path, "foreign", rates(1))
    run = foreign.run("server1-r0")
    write_json(run.record, read_record(run).model_copy(update={"dataset_sha256": "1" * 64}))
    with pytest.raises(UserError, match=r"measure different things: data set is .* \(sha256 1{8}\) in foreign"):
        compared(base, foreign)
    run.result.unlink()
    with pytest.raises(UserError, match="foreign has no performance run with a result"):
        compared(base, foreign)
    with pytest.raises(UserError, match="at least two"):
        compare_campaigns([CampaignMeasured(base)])


def load_with(*words: tuple[str, bool]) -> LoadCompared:
    """A load whose quantities are shown to be that, each deciding or not."""
    bounds = {"better": (0.5, 0.8), "worse": (1.2, 1.9), "no difference shown": (0.9, 1.1)}
    changes = [
        Change(
            quantity=word, unit="ms", better="lower", baseline=1.0, other=1.0, ratio=1.0, low=bounds[word][0],
            high=bounds[word][1], paired=0, decisive=decisive,
        )
        for word, decisive in words
    ]  # fmt: skip
    return LoadCompared(
        load="Offline", scenario="Offline", axis=None, value=None, baseline_nodes=[], nodes=[], baseline_runs=[],
        runs=[], changes=changes, fewer_answers=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ([("no difference shown", True), ("worse", False)], "worse latencies"),
        ([("no difference shown", True), ("better", False)], "better latencies"),
        ([("no difference shown", True), ("better", False), ("worse", False)], "both"),
        ([("no difference shown", True), ("no difference shown", False)], "not shown"),
        ([("better", True), ("worse", False)], "faster"),
    ],
)
def test_latencies_count_where_the_rate_shows_nothing(words: list[tuple[str, bool]], outcome: str) -> None:
    assert load_with(*words).outcome == outcome
