"""A search's stated rate is worked out again from its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.rate_probes import begun, carry_on, search_config

from assay.audit import Judgement, audit_path
from assay.report.render import render_campaign
from assay.runs import CampaignFolder, read_campaign


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    settings = search_config(tmp_path_factory.mktemp("search"), first_rate=80)
    folder, state = begun(settings)
    carry_on(settings, folder, state)
    assert render_campaign(folder) is not None
    return folder


def judged(folder: CampaignFolder, **changes: Any) -> list[tuple[Judgement, str]]:
    """What the rule says where report.json states other things."""
    whole = folder.report_json.read_bytes()
    report = orjson.loads(whole)
    report["rate"] |= changes
    folder.report_json.write_bytes(orjson.dumps(report))
    try:
        found = audit_path(folder.path).findings
    finally:
        folder.report_json.write_bytes(whole)
    return [(one.verdict, one.arithmetic) for one in found if one.rule == "rate-search"]


def test_the_stated_rate_follows_from_the_runs(searched: CampaignFolder) -> None:
    ((verdict, sums),) = judged(searched)
    assert verdict is Judgement.SUPPORTED
    assert "from the runs' records" in sums


def test_a_higher_rate_is_contradicted(searched: CampaignFolder) -> None:
    ((verdict, _),) = judged(searched, rate=120.0, low=115.0, high=125.0)
    assert verdict is Judgement.CONTRADICTED


def test_a_rate_that_no_run_confirmed_is_contradicted(searched: CampaignFolder) -> None:
    stated = orjson.loads(searched.report_json.read_bytes())["rate"]
    assert stated["confirmed"], "else there is nothing to forge"
    ((verdict, sums),) = judged(searched, rate=stated["rate"] * 1.001)
    assert verdict is Judgement.CONTRADICTED
    assert "confirming runs kept every limit at" in sums


def test_a_rate_of_a_search_that_found_none_is_unsupported(tmp_path: Path) -> None:
    settings = search_config(tmp_path, first_rate=80)
    folder, state = begun(settings)
    carry_on(settings, folder, state, most=1)
    render_campaign(folder)
    ((verdict, _),) = judged(folder, outcome="found", rate=80.0, low=79.0, high=81.0)
    assert verdict is Judgement.UNSUPPORTED
    assert read_campaign(folder).rate_search is not None
