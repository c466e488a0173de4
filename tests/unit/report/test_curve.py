"""What a page says of throughput against pace: the peak, the knee, the pace, and which points aren't the server's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.curves import curve_campaign

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.curve import curve_of
from assay.analysis.loads import Value
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.curve import curve_answer
from assay.report.page import Table
from assay.report.pareto import curve_chart
from assay.report.sweeps import in_flight
from assay.results import load_campaign


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> CampaignAnalysis:
    """Two cards that are saturated from eight in flight on, at 3 EUR an hour."""
    return analysed(curve_campaign(tmp_path_factory.mktemp("curve"), accelerators=2, per_hour=3.0))


def points(analysis: CampaignAnalysis) -> Table:
    (section,) = [section for section in campaign_page(analysis).sections if section.id == "curve"]
    return next(block for block in section.blocks if isinstance(block, Table))


def column(table: Table, head: str) -> list[str]:
    place = next(place for place, name in enumerate(table.columns) if name.startswith(head))
    return [row[place] for row in table.rows]


def test_pace_is_1000_over_the_90th_percentile_of_tpot(curve: CampaignAnalysis) -> None:
    found = curve_of(curve.groups)
    assert found is not None
    assert [point.in_flight for point in found.points] == [1, 2, 4, 8, 16, None]
    by_load = {group.first.entry.key: group.first.result for group in curve.groups}
    for point in found.loads:
        tpot = by_load[point.runs[0]].latency["tpot_ns"]
        assert point.per_user.value == pytest.approx(1000 / (tpot.p90 / 1e6))
        low, high = tpot.intervals["p90"]
        assert point.per_user.low == (None if high is None else pytest.approx(1e9 / high))
        assert point.per_user.high == (None if low is None else pytest.approx(1e9 / low))


def test_a_loaded_campaign_has_the_same_points(curve: CampaignAnalysis) -> None:
    loaded, found = load_campaign(curve.folder.path).curve(), curve_of(curve.groups)
    assert loaded is not None
    assert found is not None
    assert [point.per_user for point in loaded.points] == [point.per_user for point in found.points]
    assert [point.runs for point in loaded.points] == [point.runs for point in found.points]


def test_rates_are_for_each_accelerator_where_their_number_is_known(curve: CampaignAnalysis, tmp_path: Path) -> None:
    found = curve_of(curve.groups)
    assert found is not None
    assert found.accelerators == 2
    for point in found.points:
        assert point.per_accelerator is not None
        assert point.per_accelerator.value == pytest.approx(point.output_tokens_per_s.value / 2)
    assert "For each accelerator" in points(curve).columns
    assert curve_chart({"": found}).panels[0].y_label == "output tokens/s for each accelerator"
    bare = analysed(curve_campaign(tmp_path, [1, 2], accelerators=0, offline=False))
    unknown = curve_of(bare.groups)
    assert unknown is not None
    assert "For each accelerator" not in points(bare).columns
    mixed = curve_chart({"a": found, "b": unknown})
    assert mixed.panels[0].y_label == "output tokens/s"
    assert "the number of accelerators isn't known" in mixed.text


def test_the_first_sentences_are_the_peak_the_knee_and_the_pace(curve: CampaignAnalysis) -> None:
    peak, knee, pace, *_ = campaign_answer(curve)
    assert peak.startswith("Peak: ")
    assert next(item.name for item in campaign_page(curve).headlines) == "Peak, at 8 in flight"
    assert (
        " tokens/s for each user and TTFT p90 " in peak.replace("(95 %", "").replace(")", "") or "for each user" in peak
    )
    assert knee.startswith("Saturated from 8 in flight on: ")
    assert pace.startswith("At 1 in flight each user gets ")
    assert [item.name for item in campaign_page(curve).headlines][1] == "Pace at 1 in flight"
    assert campaign_page(curve).lead is not None
    assert campaign_page(curve).lead.name == "pareto"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (1.05, " at 8 in flight, where more in flight gives at most a tenth more, with "),
        (1.2, " at 16 in flight, with "),
    ],
)
def test_a_higher_load_that_gives_hardly_more_and_longer_waits_is_not_the_peak(
    curve: CampaignAnalysis, more: float, told: str
) -> None:
    found = curve_of(curve.groups)
    assert found is not None
    first, highest = (next(one for one in found.points if one.in_flight == places) for places in (8, 16))
    highest.output_tokens_per_s.value = more * first.output_tokens_per_s.value
    assert told in next(curve_answer(found, in_flight(curve.groups)))


def test_nothing_on_the_front_is_beaten_in_both(curve: CampaignAnalysis) -> None:
    found = curve_of(curve.groups)
    assert found is not None
    front = [point for point in found.points if point.front]
    rates = [point.output_tokens_per_s.value for point in sorted(front, key=lambda point: -point.per_user.value)]
    assert rates == sorted(rates)
    assert 1 < len(front) < len(found.points)


def test_money_and_energy_are_beside_the_pace(tmp_path: Path) -> None:
    analysis = analysed(curve_campaign(tmp_path, [1, 8], per_hour=3.0, offline=False))
    titles = [panel.title for panel in campaign_page(analysis).lead.panels]  # type: ignore[union-attr]
    assert titles == [
        "Throughput against pace",
        "Energy an output token against pace",
        "Cost of a million output tokens against pace",
    ]
    costs = [float(cell.split()[0]) for cell in column(points(analysis), "Cost of a million output tokens (EUR")]
    assert costs[0] > costs[1], "a token costs less where more are made in the same hour"


def test_points_that_the_client_could_have_shaped_are_not_the_servers(tmp_path: Path) -> None:
    """The two highest: that they are flat says nothing of the server, nor is the peak among them."""
    analysis = analysed(curve_campaign(tmp_path, doubted=[8, 16], offline=False))
    peak, knee, _, marked, *_ = campaign_answer(analysis)
    assert peak.startswith("The most of the points that are the server's own: ")
    assert " at 4 in flight, " in peak
    assert next(item.name for item in campaign_page(analysis).headlines) == "Most, at 4 in flight"
    assert knee.startswith("From 8 in flight on more in flight gave little more (16 in flight: ")
    assert " its rate), but the load generator could have shaped points there: " in knee
    (sweep,) = [chart for chart in campaign_page(analysis).charts if chart.name == "load_sweep"]
    assert not [mark for panel in sweep.panels for mark in panel.marks], "the picture shows no saturation either"
    assert marked == (
        "Client-bound: the load generator could have shaped the figures of 8 in flight, 16 in flight; they don't say "
        "what the server can do."
    )
    assert [cell == "yes" for cell in column(points(analysis), "The server's own")] == [True, True, True, False, False]
    assert (
        "Points that the load generator could have shaped (client-bound) are rings."
        in campaign_page(analysis).lead.text
    )  # type: ignore[union-attr]
    found = curve_of(analysis.groups)
    assert found is not None
    assert not any(point.front for point in found.points if point.client_bound)


def test_a_curve_without_a_point_of_the_servers_own_has_no_peak_of_its(tmp_path: Path) -> None:
    analysis = analysed(curve_campaign(tmp_path, [1, 2], doubted=[1, 2], offline=False))
    first, *_, marked, _, _ = campaign_answer(analysis)
    assert first.startswith("The most that came, where the load generator could have shaped it: ")
    assert " all of these figures; " in marked


def test_one_load_alone_is_no_curve(tmp_path: Path) -> None:
    analysis = analysed(curve_campaign(tmp_path, [4]))
    assert curve_of(analysis.groups) is None
    assert campaign_answer(analysis)[0].startswith("There is no curve: ")


def test_the_shape_of_endpoints_is_called_no_submission_on_the_page(tmp_path: Path) -> None:
    note = "points as MLPerf Endpoints v1.0 asks for: same shape, not a submission"
    analysis = analysed(curve_campaign(tmp_path, [1, 2], offline=False, note=note))
    assert f"P{note[1:]}." in campaign_answer(analysis)
    assert note in campaign_page(analysis).banner


def test_a_pace_that_is_bounded_on_one_side_has_its_interval_up_to_the_point(curve: CampaignAnalysis) -> None:
    found = curve_of(curve.groups)
    assert found is not None
    first = found.points[0]
    first.per_user = Value(value=200.0, low=None, high=220.0)
    first.front = False
    chart = curve_chart({"": found})
    assert [200.0, 220.0] in [list(series.x) for series in chart.panels[0].series if series.kind == "line"]
    assert "isn't known where one ends at its point" in chart.text


def test_a_line_is_spoken_of_where_it_is_drawn(tmp_path: Path) -> None:
    analysis = analysed(curve_campaign(tmp_path, [1, 2], doubted=[1, 2], offline=False))
    found = curve_of(analysis.groups)
    assert found is not None
    assert not any(point.front for point in found.points)
    assert "The line joins" not in curve_chart({"": found}).text


def test_how_many_samples_and_how_long_a_load_was_is_beside_its_rate(curve: CampaignAnalysis) -> None:
    page = campaign_page(curve)
    tables = [block for section in page.sections for block in section.blocks if isinstance(block, Table)]
    (rates,) = [table for table in tables if "Samples a run" in table.columns]
    assert column(rates, "Samples a run")[:5] == ["60", "60", "120", "240", "480"]
    assert float(column(rates, "Seconds a run")[0]) == pytest.approx(
        curve.groups[0].first.result.figures["duration_s"].value, rel=0.01
    )


def test_a_load_that_a_sweep_leaves_out_is_named(curve: CampaignAnalysis) -> None:
    (sweep,) = [chart for chart in campaign_page(curve).charts if chart.name == "load_sweep"]
    assert "Not drawn, since no other load is in one order with it: Offline." in sweep.text
