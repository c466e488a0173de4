"""What pages say of a campaign, of one run, and of all campaigns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.following import alert, begin, campaign, entry, progress, sample, sketch

from assay.runs import RunStatus
from assay.runs.alerts import append_alert
from assay.runs.progress import append_event, read_progress
from assay.watch.web.parts import Bar, Link, View
from assay.watch.web.sources import CampaignSource, IndexSource

MS = 1_000_000


def rows(view: View, part: str) -> dict[str, Any]:
    """Cells of a table by their key."""
    return {row.key: list(row.cells) for row in view.parts[part]}  # type: ignore[union-attr]


def test_a_campaign_says_what_the_terminal_says(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0", RunStatus.FAILED), entry(1, "run-1"), entry(2)])
    begin(folder, "run-1", progress(1, 40), progress(3, 100, ttft=sketch(80 * MS, 90 * MS), out=("node-b",)))
    folder.run("run-1").report.write_text("")
    view = CampaignSource(folder).look()
    parts = view.parts
    assert parts["headline"] == "two nodes, scaling campaign (simulated)"
    assert parts["where"] == "Offline, run 2 of 3: under load"
    assert parts["elapsed"] == "0:00:03 under load; about 90 s left, by completed so far"
    assert parts["pace"] == "30 samples/s, 3,000 tokens/s of late; 16 in flight, 884 waiting"
    endpoints = rows(view, "endpoints")
    assert endpoints["node-a"] == ["node-a", "in service", Bar("2,250", 1.0), "75", "0", "8"]
    assert endpoints["node-b"][:2] == ["node-b", "out of service"]
    runs = rows(view, "runs")
    first, second, third = runs.values()
    assert first[:4] == [Link("Offline, run 1 of 3", "runs/run-0/"), "performance", "node-a", "failed"]
    assert (second[3], second[-1]) == ("going on", Link("report", "runs/run-1/report.html"))
    assert (third[0], third[3]) == ("Offline, run 3 of 3", "planned")
    assert [row.mark for row in parts["runs"]] == ["bad", "", ""]  # type: ignore[union-attr]
    assert view.age_s is not None


def test_one_run_is_followed_though_another_is_on(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0", RunStatus.COMPLETED), entry(1, "run-1")])
    begin(folder, "run-0", progress(1, 7))
    begin(folder, "run-1", progress(1, 40))
    assert CampaignSource(folder, "run-0").look().parts["progress"].done == 7  # type: ignore[union-attr]
    assert CampaignSource(folder).look().parts["progress"].done == 40  # type: ignore[union-attr]
    assert CampaignSource(folder, "none").look().parts == {"problem": "c: no run none"}


def test_of_many_endpoints_those_that_are_out_and_both_ends_are_listed(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    told = []
    for at_s in (1, 3):
        event = progress(at_s, 100)
        one = event.endpoints["node-a"]
        every = {
            f"node-{n:04}": one.model_copy(update={"output_tokens": at_s * n, "out": n == 777}) for n in range(1000)
        }
        told.append(event.model_copy(update={"endpoints": every}))
    begin(folder, "run-0", *told)
    view = CampaignSource(folder).look()
    names = list(rows(view, "endpoints"))
    assert names[:3] == ["node-0777", "node-0000", "node-0001"]
    assert names[-1] == "node-0999"
    assert len(names) == 21
    assert rows(view, "endpoints_spread")["tokens/s"] == ["tokens/s", "0", "49.95", "499.5", "949.0", "999"]


def test_outages_stay_to_be_seen(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40), progress(2, 60, out=("node-b",)))
    source = CampaignSource(folder)
    assert [cells[1] for cells in rows(source.look(), "happened").values()] == ["node-b out of service"]
    back = progress(10, 300)
    append_event(folder.run("run-0").progress, back)
    (span,) = source.look().parts["spans"]  # type: ignore[misc]
    assert (span.name, span.end_ms) == ("node-b", back.utc_ns // 1_000_000)  # type: ignore[union-attr]
    words = [cells[1] for cells in rows(source.look(), "happened").values()]
    assert words[0].startswith("node-b back after ")
    assert words[1] == "node-b out of service"


def test_a_link_among_the_logs_is_not_read(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    (tmp_path / "secret").write_text("secret\n")
    folder.run("run-0").driver_log.symlink_to(tmp_path / "secret")
    assert CampaignSource(folder).look().parts["log"] == []
    folder.run("run-0").driver_log.unlink()
    folder.run("run-0").driver_log.write_text("here\n")
    assert CampaignSource(folder).look().parts["log"] == ["driver.log: here"]


def test_what_is_damaged_is_said_and_followed_on(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    source = CampaignSource(folder)
    whole = folder.state.read_bytes()
    folder.state.write_text("{")
    assert "campaign.json" in str(source.look().parts["problem"])
    folder.state.write_bytes(whole)
    assert "problem" not in source.look().parts


def test_all_campaigns_the_newest_first(tmp_path: Path) -> None:
    campaign(tmp_path / "20260101T000000Z-a", [entry(0, "r", RunStatus.FAILED)], ended_utc="2026-01-01T01:00:00Z")
    newest = campaign(tmp_path / "20260102T000000Z-b", [entry(0)])
    newest.report.write_text("")
    broken = campaign(tmp_path / "20260103T000000Z-c", [entry(0)])
    broken.state.write_text("{")
    source = IndexSource(tmp_path)
    view = source.look()
    found = rows(view, "campaigns")
    assert list(found) == ["20260102T000000Z-b", "20260101T000000Z-a"]
    cells = found["20260102T000000Z-b"]
    assert cells[0] == Link("two nodes", "campaigns/20260102T000000Z-b/")
    assert cells[3:] == ["0 of 1", "going on", Link("report", "campaigns/20260102T000000Z-b/report.html")]
    assert found["20260101T000000Z-a"][3] == "1 of 1, 1 not completed"
    (problem,) = view.parts["problems"]  # type: ignore[misc]
    assert "20260103T000000Z-c" in str(problem)


@pytest.mark.parametrize("name", ["none", "."])
def test_a_folder_without_campaigns_says_so(tmp_path: Path, name: str) -> None:
    assert IndexSource(tmp_path / name).look().parts["headline"] == "no campaign yet"


def test_nodes_and_their_hardware_stand_on_the_axis_of_the_load(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40), progress(3, 100))
    rows_told = [(node, "gpu0_power_w", at_s, 300.0 + at_s) for at_s in range(10) for node in ("node-a", "node-b")]
    sample(folder, "run-0", *rows_told, ("node-a", "cpu_percent", 9, 12.0), ("node-a", "gpu0_ecc_errors", 9, 1.0))
    view = CampaignSource(folder).look()
    assert rows(view, "nodes")["node-a"][:6] == ["node-a", "", "1", "-", "-", "309 W"]
    power = view.series["GPU power"]
    assert power.columns == {f"{node} gpu0": [300, 301, 302, 303, 304, 305] for node in ("node-a", "node-b")}
    told = read_progress(folder.run("run-0").progress)[-1]
    offset_ms = told.clock_offset_ns / 1e6
    assert power.t_ms[0] == pytest.approx(offset_ms + 500, abs=1)
    panels = {panel.title: panel for panel in view.parts["charts"]}  # type: ignore[union-attr]
    assert [line.name for line in panels["GPU power"].lines] == ["node-a gpu0", "node-b gpu0"]


def test_of_many_nodes_the_middle_is_drawn_and_those_that_stand_apart(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    power = {f"node-{number:02}": 300.0 + number % 5 for number in range(40)} | {"node-07": 60.0}
    sample(
        folder, "run-0", *((node, "gpu0_power_w", at_s, watts) for at_s in range(10) for node, watts in power.items())
    )
    source = CampaignSource(folder)
    view = source.look()
    assert source.look().series == view.series
    columns = view.series["GPU power"].columns
    assert set(columns) == {"5 %", "50 %", "95 %", "node-07 gpu0"}
    assert columns["50 %"][0] == 302
    assert len(view.parts["nodes"]) == 24  # type: ignore[arg-type]
    assert view.parts["nodes_words"] == "24 of 40: silent ones first, then slowed ones, then the idle."


def test_alerts_that_stand_and_those_that_are_over_are_told(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    for told in (alert("disk", "node-a"), alert("heat", "node-b"), alert("heat", "node-b", "cleared")):
        append_alert(folder.run("run-0").alerts, told)
    view = CampaignSource(folder).look()
    assert [cells[1] for cells in rows(view, "alerts").values()] == ["The disk of node-a is at 95 %."]
    happened = [cells[1] for cells in rows(view, "happened").values()]
    assert "alert cleared: The heat of node-b is at 95 %." in happened
    assert "alert raised: The disk of node-a is at 95 %." in happened


def test_a_node_has_the_same_colour_in_all_charts(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    told = [
        (node, f"gpu{gpu}_power_w", at_s, 1.0) for at_s in (0, 9) for node in ("node-a", "node-b") for gpu in (0, 1)
    ]
    sample(
        folder, "run-0", *told, *((node, "cpu_percent", at_s, 1.0) for at_s in (0, 9) for node in ("node-a", "node-b"))
    )
    panels = {panel.title: panel for panel in CampaignSource(folder).look().parts["charts"]}  # type: ignore[union-attr]
    power = {line.name: (line.color, line.dashed) for line in panels["GPU power"].lines}
    cpu = {line.name: line.color for line in panels["Host CPU"].lines}
    assert power["node-a gpu0"] == (cpu["node-a"], False)
    assert power["node-b gpu1"] == (cpu["node-b"], True)
    assert cpu["node-a"] != cpu["node-b"]


def test_what_an_engine_tells_is_drawn_by_its_endpoint(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    metric = "node-a-0/vllm:kv_cache_usage_perc"
    sample(folder, "run-0", *(("node-a", metric, at_s, 0.5) for at_s in (0, 9)))
    view = CampaignSource(folder).look()
    assert view.series["KV cache in use"].columns["node-a-0"][0] == 50
    panels = {panel.title: panel.unit for panel in view.parts["charts"]}  # type: ignore[union-attr]
    assert panels["KV cache in use"] == "%"
