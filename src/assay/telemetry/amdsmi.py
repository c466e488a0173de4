"""AMD's accelerators through the amdsmi library of ROCm, a part of the node probe's program.

Standard library only, any Python 3.8 or later. Names are those of the library's source (py-interface/
amdsmi_interface.py), the older ones included; no AMD machine was at hand.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

MICRO = 1e-6


class Amd:
    """Devices in the order in which amd-smi counts them. What the library doesn't know gives None."""

    def __init__(self) -> None:
        """Raises OSError where there is no library or no driver."""
        # ROCm installs it there, and for the system's interpreter alone.
        sys.path.append(str(Path(os.environ.get("ROCM_PATH", "/opt/rocm"), "share", "amd_smi")))
        try:
            self.library = import_module("amdsmi")
            self.library.amdsmi_init()
            self.handles = list(self.library.amdsmi_get_processor_handles())
        except Exception as error:  # of the library, which has its own, and of whatever it loads
            raise OSError(f"amdsmi: {error}") from None

    def ask(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self.library, name)(*arguments)
        except Exception:  # the library's own, by call and device
            return None

    def number(self, told: Any, *keys: str) -> Any:
        """The first of the values by these keys that is a number: others are "N/A"."""
        values = [told.get(key) for key in keys] if isinstance(told, dict) else []
        return next((value for value in values if isinstance(value, (int, float))), None)

    def kind(self, group: str, name: str) -> Any:
        return getattr(getattr(self.library, group, None), name, None)

    def watched(self, handle: Any, counted: bool) -> dict[str, Any]:
        """What is told of a device while a run lasts; its counters only where they are asked for."""
        activity = self.ask("amdsmi_get_gpu_activity", handle)
        power = self.ask("amdsmi_get_power_info", handle)
        core, memory = (self.kind("AmdSmiClkType", name) for name in ("GFX", "MEM"))
        return {
            "memory_used_bytes": self.ask("amdsmi_get_gpu_memory_usage", handle, self.kind("AmdSmiMemoryType", "VRAM")),
            "temperature_c": self.temperature(handle),
            "power_w": self.number(power, "socket_power", "current_socket_power", "average_socket_power"),
            "sm_clock_mhz": self.number(self.ask("amdsmi_get_clock_info", handle, core), "clk", "cur_clk"),
            "memory_clock_mhz": self.number(self.ask("amdsmi_get_clock_info", handle, memory), "clk", "cur_clk"),
            "utilization_percent": self.number(activity, "gfx_activity"),
            "memory_utilization_percent": self.number(activity, "umc_activity"),
            **(self.counters(handle) if counted else {}),
        }

    def counters(self, handle: Any) -> dict[str, Any]:
        """What grows since the driver was loaded."""
        ecc = self.ask("amdsmi_get_gpu_total_ecc_count", handle)
        return {
            "energy_j": self.energy(handle),
            "ecc_corrected_total": self.number(ecc, "correctable_count"),
            "ecc_uncorrected_total": self.number(ecc, "uncorrectable_count"),
        }

    def temperature(self, handle: Any) -> Any:
        now = self.kind("AmdSmiTemperatureMetric", "CURRENT")
        kinds = [self.kind("AmdSmiTemperatureType", name) for name in ("HOTSPOT", "JUNCTION", "EDGE")]
        told = [self.ask("amdsmi_get_temp_metric", handle, kind, now) for kind in kinds if kind is not None]
        return next((value for value in told if isinstance(value, (int, float))), None)

    def energy(self, handle: Any) -> Any:
        """Joules: ticks times what one is, in microjoules."""
        told = self.ask("amdsmi_get_energy_count", handle)
        ticks, size = self.number(told, "energy_accumulator", "power"), self.number(told, "counter_resolution")
        return None if ticks is None or size is None else ticks * size * MICRO
