"""The node probe: real answers of this machine, a stand-in NVML, and recorded output of the tools."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.errors import AssayError
from assay.serving.probing import parse_probe, probe_source
from assay.telemetry import probe

RIG = Path(__file__).parents[2] / "rig"
# The first line is what nvidia-smi printed on an H200 for the probe's query; the second is written by hand, with its
# forms for "not available" and with reasons for throttling.
NVIDIA_SMI = """\
0, NVIDIA H200, GPU-751332af-9650-863c-77c1-bb27f93a6618, 580.159.04, 143771, 0, 35, 122.77, 700.00, 1980, 1980, 3201, \
0, Enabled, 0, 0x0000000000000001, Disabled
1, NVIDIA H200, GPU-000, 580.159.04, 143771, 90000, 88, [N/A], [N/A], 1200, 1980, 3201, 100, [N/A], [N/A], \
0x0000000000000048, [N/A]
"""
# As amd-smi told of a Radeon RX 7800 XT in a public report of 2026 (serial number replaced, much left out), but for
# `driver`, which is as amd-smi's source writes it. No AMD machine was at hand.
AMD_SMI = [{
    "gpu": 0,
    "asic": {
        "market_name": "AMD Radeon RX 7800 XT",
        "vendor_id": "0x1002",
        "asic_serial": "0x0123456789ABCDEF",
        "oam_id": "N/A",
        "num_compute_units": 60,
    },
    "driver": {"name": "amdgpu", "version": "6.8.5", "os_kernel_version": "6.17.0"},
    "vram": {"size": {"value": 16368, "unit": "MB"}},
}]  # fmt: skip
# As the source of early versions of amd-smi writes it.
AMD_SMI_EARLY = [{
    "gpu": 0,
    "asic": {"market_name": "AMD Radeon RX 7800 XT", "asic_serial": "0x0123456789ABCDEF"},
    "driver": {"driver_name": "amdgpu", "driver_version": "6.8.5"},
    "vram": {"vram_type": "GDDR6", "vram_vendor": "SAMSUNG", "vram_size_mb": 16368},
}]  # fmt: skip


def run_probe(**environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-I", "-"],
        input=probe_source(),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_its_text_needs_none_of_our_modules() -> None:
    """A node has none, though the interpreter of these tests does."""
    assert not [line for line in probe_source().splitlines() if re.match(r"\s*(from|import) assay", line)]


def test_this_machine() -> None:
    facts = parse_probe(json.dumps(run_probe()).encode(), "here")
    assert facts.hostname == os.uname().nodename
    assert facts.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip() != ""
    assert facts.cpu_count == len(os.sched_getaffinity(0))
    assert facts.memory_total_bytes > facts.memory_available_bytes > 0
    assert facts.disk_free_bytes > 0
    assert facts.accelerator_source != "none" or len(facts.problems) == 3


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc for the stand-in NVML")
def test_nvml(tmp_path: Path) -> None:
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(RIG / "fake_nvml.c"), "-lm"], check=True)
    seen = run_probe(LD_LIBRARY_PATH=str(tmp_path))
    assert seen["accelerator_source"] == "nvml"
    first, second = seen["accelerators"]
    assert (first["name"], first["driver_version"], first["memory_used_bytes"]) == ("FAKE GPU", "999.1", 1 << 30)
    assert (first["power_w"], first["ecc_enabled"], first["ecc_uncorrected"]) == (123.456, True, 0)
    assert (first["throttle_reasons"], first["processes"], first["mig_enabled"]) == ([], 0, None)
    assert first["sm_clock_mhz"] is None
    assert (second["throttle_reasons"], second["processes"]) == (["hardware thermal slowdown"], 2)


def test_nvidia_smi_is_the_second_choice(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    recorded.write_text(NVIDIA_SMI)
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncat {recorded}\n")
    tool.chmod(0o755)
    seen = run_probe(PATH=f"{tmp_path}:{os.environ['PATH']}")
    if seen["accelerator_source"] == "nvml":
        pytest.skip("this machine has NVML, which comes first")
    first, second = seen["accelerators"]
    assert (first["name"], first["memory_total_bytes"], first["ecc_enabled"]) == ("NVIDIA H200", 143771 << 20, True)
    assert (first["throttle_reasons"], first["mig_enabled"]) == ([], False)
    assert (second["power_w"], second["ecc_uncorrected"], second["mig_enabled"]) == (None, None, None)
    assert second["throttle_reasons"] == ["hardware slowdown", "hardware thermal slowdown"]
    assert parse_probe(json.dumps(seen).encode(), "a").accelerators[1].temperature_c == 88


@pytest.mark.parametrize("answer", [AMD_SMI, {"gpu_data": AMD_SMI}, AMD_SMI_EARLY])
def test_amd_smi_in_all_its_forms(answer: Any) -> None:
    (device,) = probe.parse_amd_smi(json.dumps(answer))
    assert (device["name"], device["memory_total_bytes"]) == ("AMD Radeon RX 7800 XT", 16368 << 20)
    assert (device["uuid"], device["driver_version"]) == ("0x0123456789ABCDEF", "6.8.5")


def test_amd_smi_may_not_know() -> None:
    asic = {"market_name": "N/A", "asic_serial": "N/A"}
    told = [{"gpu": 1, "asic": asic, "vram": "N/A", "driver": {"version": "N/A"}}]
    (device,) = probe.parse_amd_smi(json.dumps({"gpu_data": told}))
    assert device == {"index": 1, "name": "unknown", "uuid": None, "driver_version": None}


def test_warnings_of_a_tool_are_no_part_of_its_answer(tmp_path: Path) -> None:
    """amd-smi on Python 3.14 begins with a SyntaxWarning."""
    tool = tmp_path / "amd-smi"
    answer = json.dumps({"gpu_data": AMD_SMI})
    tool.write_text(
        f"#!/bin/sh\necho 'amdsmi_interface.py:3569: SyntaxWarning: return in finally' >&2\necho '{answer}'\n"
    )
    tool.chmod(0o755)
    seen = run_probe(PATH=f"{tmp_path}:{os.environ['PATH']}")
    if seen["accelerator_source"] in ("nvml", "nvidia-smi"):
        pytest.skip("this machine has NVIDIA's tools, which come first")
    assert seen["accelerator_source"] == "amd-smi", seen["problems"]
    assert seen["accelerators"][0]["memory_total_bytes"] == 16368 << 20


def test_a_tool_that_fails_is_a_problem_not_an_error(tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Unable to determine the device handle'; exit 15\n")
    tool.chmod(0o755)
    seen = run_probe(PATH=f"{tmp_path}:{os.environ['PATH']}")
    if seen["accelerator_source"] == "nvml":
        pytest.skip("this machine has NVML, which comes first")
    assert "nvidia-smi: nvidia-smi: Unable to determine the device handle" in seen["problems"]


def test_an_answer_that_is_none_is_told() -> None:
    with pytest.raises(AssayError, match="node a: the probe's answer can't be read"):
        parse_probe(b"Last login: today\n", "a")
