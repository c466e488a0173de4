"""True runs, simulated and printed in any precision, never raise a rule."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audits import audit_claims, complaints
from tests.synthetic import Node, Plan, write_run
from tests.unit.audit.loadgen_files import submission_folder, write_logs
from tests.unit.audit.queue_runs import report_claims, simulate

from assay.analysis import summarise
from assay.audit import audit_path
from assay.runs import write_json


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    samples=st.integers(8, 250),
    concurrency=st.integers(1, 8),
    nodes=st.integers(1, 3),
    digits=st.integers(4, 8),
    failed=st.integers(0, 5),
)
def test_true_reports_are_clean(
    seed: int, samples: int, concurrency: int, nodes: int, digits: int, failed: int
) -> None:
    report = audit_claims(report_claims(seed, samples, concurrency, nodes, digits, failed))
    assert complaints(report) == []
    assert report.exit_code == 0
    judged = {finding.rule for finding in report.findings}
    assert {"throughput", "token-rate", "littles-law", "ceiling-throughput", "std-possible", "projection"} <= judged


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), scenario=st.sampled_from(["Offline", "Server", "Interactive", "SingleStream"]))
def test_true_submissions_are_clean(seed: int, scenario: str) -> None:
    rng = np.random.default_rng(seed)
    if scenario == "Offline":
        sim = simulate(rng, 13368, 8, [1.0])
        sim.start_ns[:] = 0
    elif scenario == "SingleStream":
        sim = simulate(rng, 800, 1, [0.5])
    else:
        sim = simulate(rng, 1000, 4, [1.0], arrivals=np.cumsum(rng.exponential(1.0, 1000)) + 1)
    with tempfile.TemporaryDirectory() as root:
        write_logs(submission_folder(Path(root), scenario), sim, scenario, 10**13, 10**13)
        report = audit_path(Path(root))
    # the simulation holds no latency limits; all else about it is a VALID run
    assert [c for c in complaints(report) if " latency-limits " not in c] == []
    assert report.rows[0].result == "VALID"
    assert report.rows[0].samples == len(sim)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    scenario=st.sampled_from(["Offline", "Server", "Interactive", "SingleStream"]),
    mode=st.sampled_from(["performance", "accuracy"]),
    samples=st.integers(5, 250),
    speeds=st.lists(st.floats(0.2, 2.0), min_size=1, max_size=3),
    unlucky=st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)),
    stall_s=st.floats(0, 20),
)
def test_true_run_folders_are_clean(
    seed: int,
    scenario: str,
    mode: str,
    samples: int,
    speeds: list[float],
    unlucky: tuple[int, int, int],
    stall_s: float,
) -> None:
    whole = scenario == "SingleStream" or mode == "accuracy"  # the synthetic ones are of whole runs
    failed, lost, resent = (0, 0, 0) if whole else unlucky
    nodes = [Node(f"node-{i}", speed=speed, slots=4, cold_s=stall_s, cold_factor=3) for i, speed in enumerate(speeds)]
    plan = Plan(
        nodes=tuple(nodes[:1] if scenario == "SingleStream" else nodes),
        scenario=scenario,
        mode=mode,
        samples=samples,
        seed=seed,
        qps=4.0 if scenario in ("Server", "Interactive") else None,
        failed=failed,
        lost=lost,
        resent=min(resent, samples - failed - lost),
    )
    with tempfile.TemporaryDirectory() as root:
        folder = write_run(Path(root), plan)
        write_json(folder.result, summarise(folder))
        assert complaints(audit_path(folder.path)) == []
