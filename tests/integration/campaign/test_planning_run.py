"""An official Offline run that nobody set a rate for: as many samples as a planning run says that its time takes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.campaigns import FAST, Quiet, config

from assay.analysis.expected_rate import expected_rate
from assay.analysis.loads import load_rows
from assay.analysis.verdict import PLANNING
from assay.audit import Judgement, audit_path
from assay.campaign.runner import run_campaign
from assay.runs import RunStatus, read_detail, read_record, read_result
from assay.submission.runs import read_runs

_LEAST_MS = 400


def test_its_count_follows_from_what_was_measured(tmp_path: Path) -> None:
    conf = tmp_path / "user.conf"
    conf.write_text(f"*.Offline.min_duration = {_LEAST_MS}\n")  # of the rules' 600 s
    settings = config(
        tmp_path, official=True, dataset={}, cluster={}, engine={**FAST, "speeds": {}}, loadgen={"user_conf": str(conf)}
    )  # fmt: skip
    listener = Quiet()
    outcome = asyncio.run(run_campaign(settings, listener))
    planning, official = outcome.state.runs
    assert planning.run is not None
    assert official.run is not None
    expected = expected_rate(outcome.folder.run(planning.run))
    assert expected is not None
    assert official.target_qps == expected.rate
    told = read_detail(outcome.folder.run(official.run).loadgen_detail).effective
    assert told["target_qps"] == pytest.approx(expected.rate)
    assert told["min_duration_ms"] == _LEAST_MS
    assert any("are expected, as measured in planning run" in said for said in listener.said)

    record, result = (read(outcome.folder.run(planning.run)) for read in (read_record, read_result))
    assert record is not None
    assert result is not None
    assert planning.status is RunStatus.COMPLETED, planning.reason
    assert not record.official
    assert record.planning
    assert result.verdict.words == PLANNING
    assert read_record(outcome.folder.run(official.run)).official
    assert len(load_rows(outcome.state, outcome.results)) == 1, "it is no result of the campaign"
    submitted, _ = read_runs([outcome.folder.path])
    assert [run.folder.id for run in submitted] == [official.run]
    wrong = (Judgement.CONTRADICTED, Judgement.IMPOSSIBLE)
    assert [one for one in audit_path(outcome.folder.path).problems if one.verdict in wrong] == []
