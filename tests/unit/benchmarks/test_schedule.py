"""Our copy of LoadGen's schedule against LoadGen itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from assay.benchmarks.mlperf.schedule import scheduled_ns, server_schedule_ns

SEED = 16159082839903944936

# LoadGen needs a process of its own. Its trace log has the scheduled time of every query.
LOADGEN = """
import sys, mlperf_loadgen as lg
seed, qps, out = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
s = lg.TestSettings()
s.scenario, s.mode = lg.TestScenario.Server, lg.TestMode.PerformanceOnly
s.server_target_qps, s.min_query_count, s.min_duration_ms, s.schedule_rng_seed = qps, 300, 1, seed
def issue(queries):
    lg.QuerySamplesComplete([lg.QuerySampleResponse(q.id, 0, 0) for q in queries])
output = lg.LogOutputSettings(); output.outdir = out
log = lg.LogSettings(); log.log_output = output; log.enable_trace = True
sut = lg.ConstructSUT(issue, lambda: None)
qsl = lg.ConstructQSL(50, 50, lambda x: None, lambda x: None)
lg.StartTestWithLogSettings(sut, qsl, s, log, out + "/audit.config")
"""


@pytest.mark.parametrize(("seed", "qps"), [(SEED, 700.0), (7, 1500.0)])
def test_equals_the_times_that_loadgen_logs(tmp_path: Path, seed: int, qps: float) -> None:
    command = [sys.executable, "-c", LOADGEN, str(seed), str(qps), str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    logged_us = _scheduled_us((tmp_path / "mlperf_log_trace.json").read_text())
    due_ns = server_schedule_ns(seed, qps, len(logged_us))
    assert len(logged_us) == 300
    assert logged_us == pytest.approx(due_ns / 1000.0, abs=0.01)  # the trace prints ns


def _scheduled_us(trace: str) -> list[float]:
    """When each sample was scheduled, µs after the first. The trace as a whole isn't JSON, its lines are."""
    starts = {}
    for line in trace.splitlines():
        if line.startswith('{"name":"Sample"') and '"ph":"b"' in line:
            event = orjson.loads(line.rstrip(","))
            starts[event["args"]["sample_seq"]] = event["ts"]
    return [starts[sequence] - starts[0] for sequence in sorted(starts)]


def test_lateness_is_never_negative_and_zero_once() -> None:
    due = server_schedule_ns(SEED, 10.0, 100)
    late = np.random.default_rng(0).integers(1, 10**6, 100)
    issued = due + 123_456_789 + late
    lateness = issued - scheduled_ns(issued, SEED, 10.0)
    assert lateness.min() == 0
    assert np.array_equal(lateness, late - late.min())


def test_no_queries_no_schedule() -> None:
    assert len(server_schedule_ns(1, 1.0, 0)) == 0
    assert len(scheduled_ns(np.zeros(0, dtype=np.int64), 1, 1.0)) == 0
