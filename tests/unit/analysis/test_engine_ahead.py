"""A prediction for more nodes from the law of a campaign beside the search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.synthetic import Plan, write_campaign

from assay.analysis.engine_ahead import ahead
from assay.analysis.loads import Value
from assay.runs import CampaignFolder, RunRecord, read_campaign, read_record, write_json

RATE = Value(value=100.0, low=90.0, high=110.0)


def law(**changes: Any) -> dict[str, Any]:
    amdahl = {"law": "Amdahl's law", "contention": 0.1, "contention_low": 0.05, "contention_high": 0.2}
    none = {"coherency": None, "coherency_low": None, "coherency_high": None}
    predicted = {"predicted_nodes": [1, 2, 4], "predicted": [1.0] * 3, "predicted_low": [1.0] * 3}
    return {**amdahl, **none, **predicted, "predicted_high": [1.0] * 3, "sizes": [1, 2], "unit": 1.0, **changes}


def scaling(folder: Path, fit: dict[str, Any] | None, kind: str = "scaling") -> RunRecord:
    """A campaign with a report that has the law; gives a record as a search's runs have it."""
    campaign = write_campaign(folder, {"alone-a-r0": Plan(samples=8)})
    state = read_campaign(campaign)
    write_json(campaign.state, state.model_copy(update={"kind": kind}))
    run = str(state.runs[0].run)
    write_json(campaign.report_json, {"scaling": {"fit": fit}, "results": [{"run": run}]})
    return read_record(campaign.run(run))


def test_the_rate_grows_as_the_law_says(tmp_path: Path) -> None:
    record = scaling(tmp_path, law())
    found = ahead(CampaignFolder(tmp_path / "search"), record, 1, RATE)
    assert found is not None
    assert found.nodes == [2, 4]
    two, four = found.rates
    assert two.value == pytest.approx(100 * 2 / 1.1)
    assert (two.low, two.high) == (pytest.approx(90 * 2 / 1.2), pytest.approx(110 * 2 / 1.05))
    assert four.value == pytest.approx(100 * 4 / 1.3)


def test_from_several_nodes_the_growth_is_from_there(tmp_path: Path) -> None:
    found = ahead(CampaignFolder(tmp_path / "search"), scaling(tmp_path, law()), 2, RATE)
    assert found is not None
    assert found.nodes == [4]
    assert found.rates[0].value == pytest.approx(100 * (4 / 1.3) / (2 / 1.1))


def test_coherency_counts(tmp_path: Path) -> None:
    usl = law(law="USL", contention=0.0, contention_low=0.0, coherency=0.01, coherency_low=0.0, coherency_high=0.02)
    found = ahead(CampaignFolder(tmp_path / "search"), scaling(tmp_path, usl), 1, RATE)
    assert found is not None
    assert found.rates[1].value == pytest.approx(400 / (1 + 0.01 * 12))


@pytest.mark.parametrize("case", ["no law", "another kind", "another model", "nothing beside it"])
def test_without_a_law_of_the_same_system_nothing_is_predicted(tmp_path: Path, case: str) -> None:
    record = scaling(tmp_path, None if case == "no law" else law(), "sweep" if case == "another kind" else "scaling")
    if case == "another model":
        record.endpoints[0].model = "another"
    place = tmp_path / ("far/search" if case == "nothing beside it" else "search")
    assert ahead(CampaignFolder(place), record, 1, RATE) is None
