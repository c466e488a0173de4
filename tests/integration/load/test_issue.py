"""What is said beforehand against what the official LoadGen then issues, and what it takes from a user.conf."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlperf_loadgen
import pytest

from assay.benchmarks.mlperf import COMPLIANCE
from assay.benchmarks.user_conf import loadgen_models
from assay.load.issue import what_loadgen_issues
from assay.load.plan import LoadgenSettings
from assay.runs import LoadgenDetail, read_detail
from assay.runs.scenarios import Mode

SAMPLES = 50
RUN = """
import os, sys, threading
import mlperf_loadgen as lg
import numpy as np
from pathlib import Path
from assay.load.loadgen import test_settings
from assay.load.plan import LoadgenSettings
given, mode, samples, out = LoadgenSettings.model_validate_json(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
settings = test_settings(given, mode, samples, Path(out))
answer = np.ones(2, np.int32)
def issue(queries):
    def work():
        for query in queries:
            if given.scenario != "Offline":
                lg.FirstTokenComplete([lg.QuerySampleResponse(query.id, answer.ctypes.data, 4, 1)])
            lg.QuerySamplesComplete([lg.QuerySampleResponse(query.id, answer.ctypes.data, 8, 2)])
    threading.Thread(target=work).start()
log, where = lg.LogSettings(), lg.LogOutputSettings()
where.outdir, log.enable_trace = out, False
log.log_output = where
sut, qsl = lg.ConstructSUT(issue, lambda: None), lg.ConstructQSL(samples, samples, lambda _: None, lambda _: None)
lg.StartTestWithLogSettings(sut, qsl, settings, log, out + "/audit.config")
os._exit(0)
"""


def run(folder: Path, settings: LoadgenSettings, mode: Mode) -> LoadgenDetail:
    """LoadGen in a process of its own, against a server that answers at once."""
    command = [sys.executable, "-c", RUN, settings.model_dump_json(), mode, str(SAMPLES), str(folder)]
    subprocess.run(command, check=True, timeout=120)
    return read_detail(folder / "mlperf_log_detail.txt")


def settings_of(scenario: str, conf: str, folder: Path, **changes: Any) -> LoadgenSettings:
    """Official settings of a benchmark of our own, shortened by a user.conf, so that they take no ten minutes."""
    file = folder / "given.conf"
    file.write_text(conf)
    base = {
        "model": "llama3_1-8b", "scenario": scenario, "official": True, "own_sample_count": True,
        "target_qps": None, "user_conf": str(file),
    }  # fmt: skip
    return LoadgenSettings.model_validate(base | changes)


@pytest.mark.parametrize(
    ("scenario", "conf", "changes", "expected"),
    [
        ("Offline", "*.*.min_duration = 100\n", {}, 50),  # without an expected rate: LoadGen's own, 1 a second
        ("Offline", "*.*.min_duration = 100\n", {"target_qps": 1000.0}, 150),  # 110 filled up to whole epochs
        ("Offline", "*.*.sample_concatenate_permutation = 0\n*.*.min_duration = 100\n", {"target_qps": 1000.0}, 110),
        ("Offline", "*.*.performance_issue_unique = 1\n", {"target_qps": 1000.0}, 50),
        ("Offline", "", {"official": False, "queries": 7}, 7),
        ("Server", "*.*.min_duration = 100\n", {"target_qps": 2000.0}, None),
        ("Server", "*.*.min_duration = 100\n*.Server.target_qps = 900\n", {"target_qps": 2000.0}, None),
        ("Server", "*.*.min_duration = 10\n", {"target_qps": 2000.0}, 100),
        ("Server", "*.*.min_duration = 100\n", {"target_qps": 20_000.0}, None),  # several samples a callback
        ("Server", "", {"official": False, "queries": 50, "target_qps": 2000.0}, 50),
        ("Server", "", {"official": False, "queries": 61, "target_qps": 2000.0}, 61),
        ("SingleStream", "", {"official": False}, 100),  # a multiple already gets another epoch
        ("SingleStream", "", {"official": False, "queries": 61}, 61),
        ("SingleStream", "*.*.min_duration = 1\n*.*.target_latency = 1000\n", {}, 100),
        ("SingleStream", "*.*.min_duration = 1000\n*.*.max_query_count = 60\n", {}, 60),
    ],
)
def test_as_many_samples_as_were_announced(
    tmp_path: Path, scenario: str, conf: str, changes: dict[str, Any], expected: int | None
) -> None:
    settings = settings_of(scenario, conf, tmp_path, **changes)
    told = what_loadgen_issues(settings, "performance", SAMPLES)
    detail = run(tmp_path, settings, "performance")
    assert expected in (None, told.samples)
    if told.at_least:
        assert detail.effective["min_query_count"] == told.samples
        assert detail.query_count is not None
        assert detail.query_count >= told.samples
    else:
        assert detail.sample_count == told.samples
    if scenario != "SingleStream":
        assert detail.effective["target_qps"] == told.target_qps
    assert detail.requested["min_duration_ms"] == told.min_duration_s * 1e3
    if told.arrivals_s is not None and told.min_duration_s:
        assert told.arrivals_s >= told.min_duration_s
        assert told.samples % SAMPLES == 0


def test_an_accuracy_run_issues_each_sample_once(tmp_path: Path) -> None:
    settings = settings_of("Server", "*.*.min_duration = 1000\n", tmp_path, target_qps=5000.0)
    told = what_loadgen_issues(settings, "accuracy", SAMPLES)
    detail = run(tmp_path, settings, "accuracy")
    assert detail.generated_query_count == told.samples == SAMPLES


@pytest.mark.parametrize(("test", "queries"), [("TEST06", 100), ("TEST09", SAMPLES)])
def test_a_compliance_test_issues_what_its_audit_config_says(tmp_path: Path, test: str, queries: int) -> None:
    audit = "".join(f"*.*.{name} = {value}\n" for name, value in COMPLIANCE[test].items())
    settings = settings_of("Server", "", tmp_path, target_qps=2000.0)
    (tmp_path / "audit.config").write_text(audit)
    told = what_loadgen_issues(settings, "performance", SAMPLES, audit)
    detail = run(tmp_path, settings, "performance")
    assert detail.query_count == told.samples == queries


def test_a_users_rate_wins_over_the_configuration_however_it_is_written(tmp_path: Path) -> None:
    for line in ("llama3_1-8b.Server.target_qps", "*.Server.target_qps", "llama3_1-8b.*.target_qps", "*.*.target_qps"):
        settings = settings_of("Server", f"{line} = 3\n", tmp_path, target_qps=2000.0)
        assert what_loadgen_issues(settings, "performance", SAMPLES).target_qps == 3


def test_the_models_are_those_of_the_file_that_loadgen_has_built_in() -> None:
    built_in = Path(mlperf_loadgen.__file__).read_bytes()
    lines = re.findall(
        rb"^([A-Za-z0-9][\w.-]*)\.(?:\*|Offline|Server|SingleStream|MultiStream)\.\w+ = ", built_in, re.M
    )
    assert {name.decode() for name in lines} == loadgen_models()
