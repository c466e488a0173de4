"""Runs of the official LoadGen against a system under test that does nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from assay.runs import LoadgenDetail, LoadgenSummary, read_detail, read_summary

ENOUGH = 1000
NULL_SUT = """
import os, sys, threading, time
import mlperf_loadgen as lg
import numpy as np
scenario, mode, tokens, qps, length, queries, out = sys.argv[1:]
settings = lg.TestSettings()
settings.scenario, settings.mode = getattr(lg.TestScenario, scenario), getattr(lg.TestMode, mode)
settings.min_duration_ms, settings.min_query_count = 1, int(queries)  # the count ends it, not the time
if mode == "PerformanceOnly":  # limits that no machine misses, however busy: timings decide no test
    settings.server_target_latency_ns = settings.ttft_latency = settings.tpot_latency = 60 * 10**9
settings.use_token_latencies = tokens == "tokens"
settings.server_target_qps = settings.offline_expected_qps = float(qps)
answer = np.ones(16, np.int32)
def issue(samples):
    def work():
        for sample in samples:
            if settings.use_token_latencies and scenario != "Offline":
                lg.FirstTokenComplete([lg.QuerySampleResponse(sample.id, answer.ctypes.data, 4, 1)])
            time.sleep(0.001)
            lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, answer.ctypes.data, 64, int(length))])
    threading.Thread(target=work).start()
sut = lg.ConstructSUT(issue, lambda: None)
qsl = lg.ConstructQSL(50, 50, lambda _: None, lambda _: None)
log, where = lg.LogSettings(), lg.LogOutputSettings()
where.outdir, log.enable_trace = out, False
log.log_output = where
lg.StartTestWithLogSettings(sut, qsl, settings, log, out + "/no-audit.config")
os._exit(0)
"""


def loadgen(
    folder: Path,
    scenario: str,
    mode: str = "PerformanceOnly",
    *,
    tokens: bool = True,
    qps: int = 100,
    length: int = 16,
    queries: int = 10,
) -> tuple[LoadgenSummary, LoadgenDetail]:
    """Run LoadGen against a SUT that answers after a millisecond, in a process of its own.

    With at least `ENOUGH` queries it calls the run VALID, short as it is; with 10 its early stopping doesn't.
    """
    words = [scenario, mode, "tokens" if tokens else "plain", str(qps), str(length), str(queries), str(folder)]
    subprocess.run([sys.executable, "-c", NULL_SUT, *words], check=True, timeout=60)
    return read_summary(folder / "mlperf_log_summary.txt"), read_detail(folder / "mlperf_log_detail.txt")
