"""AMD's accelerators, through a stand-in for ROCm's library that says that it is a fake."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.serving.probing import probe_source
from assay.telemetry.activity import parse_activity

FAKE = '''
"""A stand-in for amdsmi with two fake devices; answers have the forms of the library's source, new or old."""
from enum import IntEnum

class AmdSmiException(Exception): ...
class AmdSmiClkType(IntEnum): GFX, MEM = 1, 4
class AmdSmiMemoryType(IntEnum): VRAM = 0
class AmdSmiTemperatureType(IntEnum): EDGE, HOTSPOT = 0, 1
class AmdSmiTemperatureMetric(IntEnum): CURRENT = 0

NEW = {new}

def amdsmi_init(): ...
def amdsmi_get_processor_handles(): return ["first", "second"]
def amdsmi_get_gpu_activity(handle): return {{"gfx_activity": 55, "umc_activity": 20, "mm_activity": "N/A"}}
def amdsmi_get_power_info(handle):
    return {{"current_socket_power": "N/A", "average_socket_power": 310}} if not NEW else {{"socket_power": 310}}
def amdsmi_get_energy_count(handle):
    return {{"energy_accumulator" if NEW else "power": 2_000_000, "counter_resolution": 15.3, "timestamp": 1}}
def amdsmi_get_gpu_total_ecc_count(handle): raise AmdSmiException("not supported")
def amdsmi_get_clock_info(handle, kind): return {{"clk" if NEW else "cur_clk": {{1: 2100, 4: 1300}}[kind]}}
def amdsmi_get_gpu_memory_usage(handle, kind): return 7 << 30
def amdsmi_get_temp_metric(handle, kind, metric): return {{0: 40, 1: 61}}[kind]
'''


def nvml_is_here() -> bool:
    with contextlib.suppress(OSError):
        return bool(ctypes.CDLL("libnvidia-ml.so.1"))
    return False


@pytest.mark.skipif(nvml_is_here(), reason="this machine has NVML, which comes first")
@pytest.mark.parametrize("new", [True, False])
def test_a_line_of_an_amd_node(tmp_path: Path, new: bool) -> None:
    library = tmp_path / "share" / "amd_smi" / "amdsmi.py"
    library.parent.mkdir(parents=True)
    library.write_text(FAKE.format(new=new))
    with subprocess.Popen(
        [sys.executable, "-I", "-", "--every", "1", "--only", "1"],
        env={**os.environ, "ROCM_PATH": str(tmp_path), "LD_LIBRARY_PATH": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as probe:
        assert probe.stdin is not None
        assert probe.stdout is not None
        probe.stdin.write(probe_source().encode())
        probe.stdin.close()
        line = probe.stdout.readline()
        probe.kill()
    told = {name: value for index, name, value in parse_activity(line).values if index == 1}
    assert told == {
        "gpu1_memory_used_bytes": 7 << 30,
        "gpu1_temperature_c": 61,
        "gpu1_power_w": 310,
        "gpu1_energy_j": pytest.approx(30.6),
        "gpu1_sm_clock_mhz": 2100,
        "gpu1_memory_clock_mhz": 1300,
        "gpu1_utilization_percent": 55,
        "gpu1_memory_utilization_percent": 20,
    }
