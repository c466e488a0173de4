"""The words of what is held against the client."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.synthetic import Plan, write_run

from assay.runs import ClientAudit
from assay.runs.client_bound import client_reasons, client_times


def test_an_error_of_the_tpot_is_told_with_its_limit_in_ms(tmp_path: Path) -> None:
    times = replace(client_times(write_run(tmp_path, Plan(samples=50))), tpot_p50_ns=10_000_000)
    reasons = client_reasons(ClientAudit(calibration={"tpot_error_mean_ns": 900_000.0}), times)
    assert reasons == ["calibration: TPOT wrong by 0.900 ms on average (limit 0.500 ms)"]


def test_answers_in_one_piece_have_no_tpot_that_an_error_could_be_a_share_of(tmp_path: Path) -> None:
    times = replace(client_times(write_run(tmp_path, Plan(samples=50))), tpot_p50_ns=0)
    assert client_reasons(ClientAudit(calibration={"tpot_error_mean_ns": 26_100.0}), times) == []
