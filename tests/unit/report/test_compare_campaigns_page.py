"""The page of compared campaigns: how many loads got faster, the picture over the load, each load's own table."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from tests.synthetic import Node, Plan, write_campaign

from assay.analysis import summarise
from assay.analysis.campaign_compare import CampaignComparison, CampaignMeasured, compare_campaigns
from assay.analysis.differences import Difference
from assay.report.changed import differs_besides
from assay.report.chart import Chart
from assay.report.compare_campaigns_page import compare_campaigns_page, comparison_answer
from assay.report.page import Page, Table
from assay.report.render import render_campaign
from assay.runs import CampaignFolder, read_campaign, read_record, write_json

PLAN = Plan(samples=300, nodes=(Node("node-a"),), chunks=False, telemetry=False)
SERVER = replace(PLAN, scenario="Server")


def campaign(parent: Path, identity: str, plans: dict[str, Plan], kind: str = "sweep") -> CampaignFolder:
    folder = write_campaign(parent, plans, kind, identity)
    for entry in read_campaign(folder).runs:
        run = folder.run(entry.run or "")
        write_json(run.result, summarise(run))
    return folder


def page(beside: Path, *folders: CampaignFolder) -> Page:
    campaigns = [CampaignMeasured(folder) for folder in folders]
    return compare_campaigns_page(campaigns, compare_campaigns(campaigns), beside)


def sweep(parent: Path, identity: str, speed: float, loads: tuple[int, ...]) -> CampaignFolder:
    server = replace(SERVER, nodes=(Node("node-a", speed=speed),))
    return campaign(parent, identity, {f"s{n}-r0": replace(server, qps=float(n), seed=n) for n in loads})


def test_a_sweep_against_a_sweep(tmp_path: Path) -> None:
    base, other = sweep(tmp_path, "base", 1.0, (1, 2, 4)), sweep(tmp_path, "other", 2.0, (2, 1, 3))
    base.report.write_text("")
    found = page(tmp_path / "elsewhere", base, other)
    assert found.answer[0] == "Of 2 loads that both measured: 2 got faster."
    assert found.answer[1].startswith("The largest: T")
    assert "Only in the baseline: 4 samples/s asked for." in found.answer
    assert "Only in the other: 3 samples/s asked for." in found.answer
    assert "Settings, versions and hardware are the same as far as recorded." in found.answer
    assert found.lead is not None
    assert found.lead.name == "load_comparison"
    values, ratios = found.lead.panels[:2]
    assert [series.name for series in values.series if series.kind == "line"] == ["baseline", "other"]
    assert all(list(series.x) == [1.0, 2.0] for series in (*values.series, *ratios.series))
    tables = [block for section in found.sections for block in section.blocks if isinstance(block, Table)]
    loads, first, second, campaigns = tables
    assert [row[:2] for row in loads.rows] == [("1 samples/s asked for", "faster"), ("2 samples/s asked for", "faster")]
    assert [(table.caption, table.folded) for table in (first, second)] == [
        ("1 samples/s asked for", True),
        ("2 samples/s asked for", True),
    ]
    assert [row[0] for row in first.rows] == ["TTFT, median", "TPOT, median", "TTFT p99", "TPOT p99"]
    assert campaigns.links == {"base": os.path.relpath(base.report, tmp_path / "elsewhere")}


def test_several_scenarios_without_a_load_in_common_have_their_ratios(tmp_path: Path) -> None:
    plans = {"offline-r0": PLAN, "single-r0": replace(PLAN, scenario="SingleStream")}
    base = campaign(tmp_path, "base", plans, "single")
    again = {key: replace(plan, seed=7) for key, plan in plans.items()}
    found = page(tmp_path, base, campaign(tmp_path, "again", again, "single"))
    assert found.answer[0] == "Of 2 loads that both measured: 2 with no difference shown."
    assert found.lead is not None
    assert found.lead.name == "comparison"
    assert sorted(map(str, found.lead.panels[0].series[0].x)) == [
        "Offline: Output tokens/s",
        "SingleStream: Latency p90",
        "SingleStream: Latency, median",
        "SingleStream: TTFT, median",
    ]


def test_several_others_are_told_by_name(tmp_path: Path) -> None:
    folders = [sweep(tmp_path, name, speed, (1, 2)) for name, speed in (("a", 1.0), ("b", 2.0), ("c", 0.5))]
    found = page(tmp_path, *folders)
    assert [words for words in found.answer if "that both measured" in words] == [
        f"That of 00:00:00 UTC ({name}), of 2 loads that both measured: 2 got {how}."
        for name, how in (("b", "faster"), ("c", "slower"))
    ]
    assert found.what.startswith(
        "Model synthetic-8b; data: 13,368 samples (synthetic articles). Compared: sweep campaign "
    )
    assert [card.name.rpartition(" ")[2] for card in found.headlines] == ["(b)", "(c)"]
    charts = [block for section in found.sections for block in section.blocks if isinstance(block, Chart)]
    assert found.lead is not None
    assert [chart.title.rpartition(" ")[2] for chart in (found.lead, *charts)] == ["(b)", "(c)"]


def test_a_single_load_is_told_at_once_by_how_much_it_changed(tmp_path: Path) -> None:
    slower = {"offline-r0": replace(PLAN, nodes=(Node("node-a", speed=0.5),))}
    base, again, other = (
        campaign(tmp_path, name, plans, "single")
        for name, plans in (("a", {"offline-r0": PLAN}), ("b", {"offline-r0": replace(PLAN, seed=7)}), ("c", slower))
    )
    found = page(tmp_path, base, other)
    assert re.fullmatch(
        r"Offline: Output tokens/s 0\.\d+ \S \(.*\), worse; TTFT.*, worse; TPOT, median .*, worse\.", found.answer[0]
    )
    assert not any(words.startswith("The largest") for words in found.answer)
    assert found.lead is not None
    assert len(found.lead.panels[0].series[0].x) == 3
    same = page(tmp_path, base, again)
    assert re.fullmatch(
        r"Offline: no difference shown beyond noise in what decides: Output tokens/s .* \S \(.* to .*\)\.",
        same.answer[0],
    )
    assert page(tmp_path, base, again, other).answer[0].startswith("That of 00:00:00 UTC (b), Offline: ")


def test_how_long_the_whole_set_takes_is_told_of_each_by_its_own_report(tmp_path: Path) -> None:
    plan = Plan(samples=400, chunks=False, telemetry=False)
    folders = [
        campaign(tmp_path, name, {"offline-r0": replace(plan, nodes=(Node("node-a", speed=speed),))}, kind="single")
        for name, speed in (("base", 1.0), ("other", 2.0))
    ]
    assert not any("13,368" in words for words in page(tmp_path, *folders).answer), "no report says it yet"
    for folder in folders:
        assert render_campaign(folder) is not None
    (words,) = [words for words in page(tmp_path, *folders).answer if "13,368" in words]
    pattern = (
        r".+ would take (.+) \(.+\) on the baseline, (.+) \(.+\) on the other, each at its fastest load: projections"
    )
    assert re.match(pattern, words)


def test_another_servers_settings_are_told_though_the_first_load_is_on_one_node_alone(tmp_path: Path) -> None:
    def nodes(slots: int) -> dict[str, Plan]:
        a, b = Node("node-a"), Node("node-b", slots=slots)
        return {f"{'-'.join(n.name for n in on)}-r0": replace(PLAN, nodes=on) for on in ((a,), (b,), (a, b))}

    found = page(
        tmp_path, *(campaign(tmp_path, name, nodes(slots), "scaling") for name, slots in (("a", 16), ("b", 8)))
    )
    told = next(words for words in found.answer if "recorded fact" in words)
    assert "max_num_seqs 16 → 8 at node-b-0" in told
    rows = [
        row
        for s in found.sections
        for b in s.blocks
        if isinstance(b, Table) and "differs" in b.caption
        for row in b.rows
    ]
    assert [row[1] for row in rows].count("endpoint node-b-0.settings.max_num_seqs") == 1


def test_fewer_of_the_data_sets_samples_are_told_to_be_other_ones(tmp_path: Path) -> None:
    base, other = (campaign(tmp_path, name, {"offline-r0": PLAN}, "single") for name in ("a", "b"))
    run = other.run("offline-r0")
    write_json(run.record, read_record(run).model_copy(update={"samples": 20}))
    told = "The baseline took its samples from the data set's first 13,368, the other from its first 20: "
    assert any(problem.text.startswith(told) for problem in page(tmp_path, base, other).problems)


def test_more_loads_than_a_screen_holds_are_told_by_their_ends(tmp_path: Path) -> None:
    few = replace(SERVER, samples=20)
    plans = {f"s{n}-r0": replace(few, qps=1.0 + n / 100) for n in range(26)}
    found = page(tmp_path, campaign(tmp_path, "a", plans), campaign(tmp_path, "b", plans))
    tables = [block for block in found.sections[0].blocks if isinstance(block, Table)]
    assert len(tables[1].rows) == 20
    assert sum(table.folded for table in tables) == 24


def test_the_largest_changes_are_of_what_decides_first_and_cards_begin_with_what_is_decided(tmp_path: Path) -> None:
    comparison, measured = against(tmp_path)
    load = comparison.loads[0]
    nothing = load.model_copy(update={"load": "Other", "changes": []})
    rate, *latencies = load.changes
    undecided = rate.model_copy(update={"ratio": 3.0, "low": None, "high": None})
    small = latencies[0].model_copy(update={"ratio": 1.2, "low": 1.1, "high": 1.3, "decisive": True})
    large = latencies[1].model_copy(update={"ratio": 1.5, "low": 1.3, "high": 1.7, "decisive": False})
    changed = comparison.model_copy(
        update={"loads": [load.model_copy(update={"changes": [undecided, small, large]}), nothing]}
    )
    said = comparison_answer(changed, measured[1])
    assert said[1].startswith(f"The largest: {small.quantity} 1.2")
    assert said[2].startswith(f"The largest beside what decides: {large.quantity} 1.5")
    beside = changed.model_copy(update={"loads": [load.model_copy(update={"changes": [undecided, large]}), nothing]})
    assert comparison_answer(beside, measured[1])[1].startswith(f"The largest: {large.quantity} 1.5")
    page = compare_campaigns_page(measured, [changed], tmp_path)
    assert [card.name for card in page.headlines] == [f"{small.quantity}, Offline", f"{rate.quantity}, Offline"]
    assert any("What decides is the rate where the load doesn't set it, else" in note.text for note in page.problems)


def test_settings_that_differ_are_named_as_a_likely_cause_of_what_does(tmp_path: Path) -> None:
    _, measured = against(tmp_path)
    found = [
        Difference(where="run.json", fact="endpoint node-a.settings.itl_ms", baseline="6", other="8"),
        Difference(where="config.yaml", fact="engine.template", baseline="x" * 30, other="y" * 30),
    ]
    record = measured[0].loads[0].record
    told = "2 recorded facts of settings, versions and hardware differ"
    assert differs_besides(found, record, changed=True) == f"{told}, a likely cause: itl_ms 6 → 8, template"
    assert differs_besides(found, record, changed=False) == f"{told}: itl_ms 6 → 8, template"
    outside = record.model_copy(update={"endpoints": [record.endpoints[0].model_copy(update={"engine": "external"})]})
    url = Difference(where="run.json", fact="endpoint b.url", baseline="http://a:1", other="http://b:1")
    assert differs_besides([url], outside, changed=True) == (
        "1 recorded fact of settings, versions and hardware differs, a likely cause: the endpoint's address, "
        "http://a:1 → http://b:1; the server tells none of its settings"
    )


def test_the_header_says_each_thing_once(tmp_path: Path) -> None:
    short = {"offline-r0": PLAN, "single-r0": replace(PLAN, scenario="SingleStream", loadgen_result="INVALID")}
    folders = [campaign(tmp_path, name, short, "single") for name in ("a", "b")]
    assert page(tmp_path, *folders).banner == (
        "short run: not valid for MLPerf (LoadGen: INVALID); simulated endpoints"
    )


def against(tmp_path: Path) -> tuple[CampaignComparison, list[CampaignMeasured]]:
    measured = [CampaignMeasured(campaign(tmp_path, name, {"offline-r0": PLAN}, "single")) for name in ("a", "b")]
    (comparison,) = compare_campaigns(measured)
    return comparison, measured
