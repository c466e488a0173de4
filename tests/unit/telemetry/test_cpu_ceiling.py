"""The CPU's micro-benchmark gives figures that the ceilings can read, and keeps them."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from assay.analysis.ceilings import Accelerator
from assay.audit.readers.run_folder import cpu_accelerator
from assay.telemetry import cpu_ceiling as module


def test_measured_limits_are_an_accelerator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUND_S", 0.01)
    monkeypatch.setattr(module, "_MATRIX", 128)
    cache = tmp_path / "deep" / "cpu.json"
    limits = module.cpu_ceiling(cache)
    accelerator = cpu_accelerator(limits)
    assert isinstance(accelerator, Accelerator)
    assert accelerator.measured
    assert accelerator.bandwidth_gb_s > 0.1
    assert accelerator.tflops["fp32"] > 0
    assert limits["cores"] >= 1
    assert module.cpu_ceiling(cache) == limits  # from the file: another measurement would differ


def test_what_openvino_computes_in_f32_instead_is_no_figure_of_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="needs the embedded extra")
    monkeypatch.setattr(module, "_ROUND_S", 0.01)
    monkeypatch.setattr(module, "_MATRIX", 128)
    flags = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text()))
    has_bf16 = bool({"avx512bw", "avx_ne_convert"} & flags)  # AVX-512 converts to it where it doesn't multiply it
    limits = module.measure("here")
    assert ("fp16" in limits["tflops"], "bf16" in limits["source"]) == (has_bf16, has_bf16)
    assert "f32" in limits["source"]


def test_another_machines_cache_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure", lambda machine: {"machine": machine, "name": "new"})
    cache = tmp_path / "cpu.json"
    for text in (b'{"machine": "elsewhere"}', b"{", b""):
        cache.write_bytes(text)
        assert module.cpu_ceiling(cache)["name"] == "new"
    assert orjson.loads(cache.read_bytes())["name"] == "new"


def test_the_cache_is_where_assay_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure", lambda machine: {"machine": machine})
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "own"))
    module.cpu_ceiling()
    assert (tmp_path / "own" / "cpu_ceiling.json").exists()


def test_what_others_use_of_the_machine_makes_no_figure_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten units in a second by the clock, of which the process had half of one core of two: 40 in a second of both."""
    clock = [0.0, 0.0]

    def work() -> float:
        clock[0] += 1.0
        clock[1] += 0.5
        return 10.0

    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(module.time, "process_time", lambda: clock[1])
    assert module._best(work) == pytest.approx(40)
