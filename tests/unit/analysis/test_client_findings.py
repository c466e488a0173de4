"""A load generator that was late on a machine that other programs filled says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.synthetic import Plan, write_run

from assay.analysis.client_findings import client_findings
from assay.analysis.hardware import Metric, Telemetry
from assay.runs import read_record
from assay.runs.record import ClientAudit


class Sampled(Telemetry):
    """The controller's CPU alone."""

    def __init__(self, percent: float) -> None:
        self._host = Metric("controller", "cpu_percent", np.arange(3), np.full(3, percent))

    def get(self, node: str, name: str) -> Metric | None:
        return self._host if (node, name) == ("controller", "cpu_percent") else None


@pytest.mark.parametrize(
    ("percent", "cores", "shares", "others"),
    [
        (98.0, 4, {"load": 0.4, "worker-0": 0.3}, True),
        (60.0, 4, {"load": 0.4}, False),
        (98.0, 4, {"load": 0.95}, False),  # its own process was full
        (98.0, 1, {"load": 0.4, "worker-0": 0.4}, False),  # most of the full core was its own
        (98.0, None, {"load": 0.4}, False),
        (98.0, 4, {}, False),
    ],
)
def test_other_programs_are_named_where_they_had_the_cpu(
    tmp_path: Path, percent: float, cores: int | None, shares: dict[str, float], others: bool
) -> None:
    record = read_record(write_run(tmp_path / "run", Plan(samples=20, chunks=False, telemetry=False)))
    record.client = ClientAudit(client_bound=True, reasons=["samples issued late"], cpu_share=shares)
    (finding,) = client_findings("run", record, Sampled(percent), cores)
    assert ("other programs had the CPU" in finding.evidence[-1].figure) == others
    assert ("other programs" in finding.suggestion) == others
    assert finding.evidence[0].figure == "samples issued late"


def test_a_load_generator_that_kept_up_is_no_finding(tmp_path: Path) -> None:
    record = read_record(write_run(tmp_path / "run", Plan(samples=20, chunks=False, telemetry=False)))
    assert client_findings("run", record, Sampled(98.0), 4) == []
