"""Several systems in one picture of throughput against pace."""

from __future__ import annotations

from pathlib import Path

from tests.curves import curve_campaign

from assay.analysis.campaign_compare import CampaignMeasured, compare_campaigns
from assay.report.compare_campaigns_page import compare_campaigns_page
from assay.report.page import Page, Text
from assay.runs import CampaignFolder

LOADS = [1, 8, 16]


def page(beside: Path, *folders: CampaignFolder) -> Page:
    campaigns = [CampaignMeasured(folder) for folder in folders]
    return compare_campaigns_page(campaigns, compare_campaigns(campaigns), beside)


def texts(found: Page) -> list[str]:
    blocks = [block for section in found.sections if section.id == "curves" for block in section.blocks]
    return [block.text for block in blocks if isinstance(block, Text)]


def test_two_curves_are_in_one_picture_for_each_accelerator(tmp_path: Path) -> None:
    """The other system is twice as fast and has four cards: each of them does half as much."""
    base = curve_campaign(tmp_path, LOADS, identity="base", offline=False)
    other = curve_campaign(tmp_path, LOADS, identity="other", speed=2.0, accelerators=4, offline=False)
    found = page(tmp_path, base, other)
    assert found.lead is not None
    assert found.lead.name == "pareto"
    panel = found.lead.panels[0]
    assert panel.y_label == "output tokens/s for each accelerator"
    named = [series.name for series in panel.series if series.name]
    assert named == ["the baseline", "the other"]
    (joint,) = texts(found)
    assert joint.startswith("No point of any of them has both more ")
    base_own, other_own = joint.partition("these: ")[2].split("; of ")
    assert "8 in flight" in base_own, "the most for each accelerator"
    assert "8 in flight" in other_own, "a pace twice as fast"


def test_points_that_the_client_could_have_shaped_are_on_nobodys_front(tmp_path: Path) -> None:
    base = curve_campaign(tmp_path, LOADS, identity="base", offline=False)
    other = curve_campaign(tmp_path, LOADS, identity="other", speed=2.0, doubted=LOADS, offline=False)
    found = page(tmp_path, base, other)
    (joint,) = texts(found)
    assert joint.endswith(": none.")
    assert joint.startswith(
        "Save points where the load generator could have shaped them, none of any has both more "
    ), "the other's points are twice as good"
    named = [series.name for series in found.lead.panels[0].series if series.name]  # type: ignore[union-attr]
    assert "the other, client-bound" in named


def test_rings_of_two_systems_keep_their_colours(tmp_path: Path) -> None:
    base = curve_campaign(tmp_path, LOADS, identity="base", doubted=LOADS, offline=False)
    other = curve_campaign(tmp_path, LOADS, identity="other", speed=2.0, doubted=[16], offline=False)
    lead = page(tmp_path, base, other).lead
    assert lead is not None
    drawn = [(series.name, series.color, series.hollow) for series in lead.panels[0].series if series.kind == "points"]
    (base_color,) = {color for name, color, _ in drawn if "the baseline" in name}
    (other_color,) = {color for name, color, _ in drawn if "the other" in name}
    assert base_color != other_color
    assert [hollow for _, _, hollow in drawn] == [True, False, True]


def test_where_the_client_could_have_shaped_all_there_is_no_front(tmp_path: Path) -> None:
    folders = [curve_campaign(tmp_path, LOADS, identity=name, doubted=LOADS, offline=False) for name in ("a", "b")]
    said = "Whose points are on the front isn't known: the load generator could have shaped all of them."
    assert texts(page(tmp_path, *folders)) == [said]


def test_money_of_two_currencies_is_in_no_picture(tmp_path: Path) -> None:
    one = curve_campaign(tmp_path, LOADS, identity="one", offline=False, per_hour=1.0)
    two = curve_campaign(tmp_path, LOADS, identity="two", offline=False, per_hour=1.0, currency="USD")
    titles = [panel.title for panel in page(tmp_path, one, two).lead.panels]  # type: ignore[union-attr]
    assert titles == ["Throughput against pace", "Energy an output token against pace"]


def test_the_shape_of_endpoints_is_called_no_submission_beside_another(tmp_path: Path) -> None:
    note = "points as MLPerf Endpoints v1.0 asks for: same shape, not a submission"
    base = curve_campaign(tmp_path, LOADS, identity="base", offline=False)
    other = curve_campaign(tmp_path, LOADS, identity="other", offline=False, note=note)
    found = page(tmp_path, base, other)
    assert note in found.banner
    told = [problem.text for problem in found.problems]
    assert [text.endswith(f"{note}.") for text in told if "Endpoints" in text] == [True]


def test_a_curve_beside_a_campaign_without_one_has_no_picture_of_both(tmp_path: Path) -> None:
    base = curve_campaign(tmp_path, LOADS, identity="base", offline=False)
    other = curve_campaign(tmp_path, [8], identity="other", offline=False)
    found = page(tmp_path, base, other)
    assert texts(found) == []
    assert "pareto" not in [chart.name for chart in found.charts]
