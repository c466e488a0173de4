"""The few calls of NVML (libnvidia-ml.so.1) that the node probe needs, a part of its program (`serving.probing`).

Standard library only, any Python 3.8 or later.
"""

from __future__ import annotations

import ctypes
from typing import Any

NOT_SUPPORTED = 3  # NVML_ERROR_NOT_SUPPORTED: the device will never know
INSUFFICIENT_SIZE = 7
ALL_LINKS = 0xFFFFFFFF
KIB = 1024

# nvmlClocksThrottleReason* of nvml.h; GpuIdle (0x1) only says that there is nothing to do.
THROTTLE_REASONS = {
    0x2: "applications clocks setting",
    0x4: "software power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake slowdown",
    0x100: "display clock setting",
}
# NVML_FI_DEV_* of nvml.h, each with its metric's name and how many of the metric's unit its own is. Traffic since the
# driver was loaded: over NVLink the payload of all links, over PCIe all bytes.
FIELDS = {
    138: ("nvlink_tx_bytes_total", KIB),
    139: ("nvlink_rx_bytes_total", KIB),
    197: ("pcie_tx_bytes_total", 1),
    198: ("pcie_rx_bytes_total", 1),
}
WIDE = (2, 3)  # NVML_VALUE_TYPE_UNSIGNED_LONG, …_LONG_LONG: 32 bits wrap within a second of full traffic


class FieldValue(ctypes.Structure):
    """nvmlFieldValue_t; of the union only what the wide types need."""

    _fields_ = [
        ("field", ctypes.c_uint),
        ("scope", ctypes.c_uint),
        ("timestamp_us", ctypes.c_longlong),
        ("latency_us", ctypes.c_longlong),
        ("kind", ctypes.c_uint),
        ("code", ctypes.c_uint),
        ("value", ctypes.c_ulonglong),
    ]


def throttle_names(mask: int) -> list[str]:
    return [name for bit, name in sorted(THROTTLE_REASONS.items()) if mask & bit]


class Nvml:
    """The few calls that the probe needs. A call that the driver doesn't know, or refuses, gives None."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL("libnvidia-ml.so.1")
        code = self.library.nvmlInit_v2()
        if code:
            raise OSError(f"nvmlInit_v2 gave error {code}")
        self.traffic_fields: dict[Any, list[int]] = {}

    def call(self, name: str, *arguments: Any) -> bool:
        function = getattr(self.library, name, None)
        return function is not None and bool(function(*arguments) == 0)

    def number(self, name: str, kind: Any, *arguments: Any) -> Any:
        value = kind()
        return value.value if self.call(name, *arguments, ctypes.byref(value)) else None

    def text(self, name: str, *arguments: Any) -> str | None:
        buffer = ctypes.create_string_buffer(128)
        return buffer.value.decode(errors="replace") if self.call(name, *arguments, buffer, 128) else None

    def pair(self, name: str, kind: Any, *arguments: Any) -> tuple[Any, Any]:
        first, second = kind(), kind()
        found = self.call(name, *arguments, ctypes.byref(first), ctypes.byref(second))
        return (first.value, second.value) if found else (None, None)

    def fields(self, name: str, kind: Any, count: int, handle: Any) -> list[Any]:
        """A structure of `count` equal members."""
        values = (kind * count)()
        return list(values) if self.call(name, handle, ctypes.byref(values)) else [None] * count

    def processes(self, handle: Any) -> int | None:
        count = ctypes.c_uint(0)
        function = getattr(self.library, "nvmlDeviceGetComputeRunningProcesses_v3", None)
        # With room for none the answer is "insufficient size" and the number.
        code = function(handle, ctypes.byref(count), None) if function else None
        return count.value if code in (0, INSUFFICIENT_SIZE) else None

    def handle(self, index: int) -> Any:
        handle = ctypes.c_void_p()
        return handle if self.call("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(handle)) else None

    def activity(self, handle: Any) -> dict[str, Any]:
        """What changes from second to second; `throttle_mask` holds NVML's bits."""
        uint = ctypes.c_uint
        power = self.number("nvmlDeviceGetPowerUsage", uint, handle)
        busy, memory_busy = self.fields("nvmlDeviceGetUtilizationRates", uint, 2, handle)
        return {
            "memory_used_bytes": self.fields("nvmlDeviceGetMemoryInfo", ctypes.c_ulonglong, 3, handle)[2],
            "temperature_c": self.number("nvmlDeviceGetTemperature", uint, handle, 0),
            "power_w": None if power is None else power / 1000,
            "sm_clock_mhz": self.number("nvmlDeviceGetClockInfo", uint, handle, 1),
            "memory_clock_mhz": self.number("nvmlDeviceGetClockInfo", uint, handle, 2),
            "utilization_percent": busy,
            "memory_utilization_percent": memory_busy,
            "throttle_mask": self.number("nvmlDeviceGetCurrentClocksThrottleReasons", ctypes.c_ulonglong, handle),
        }

    def counters(self, handle: Any) -> dict[str, Any]:
        """What grows since the driver was loaded. An H100's energy alone takes the driver 4 to 6 ms to tell."""
        wide = ctypes.c_ulonglong
        energy = self.number("nvmlDeviceGetTotalEnergyConsumption", wide, handle)
        return {
            "energy_j": None if energy is None else energy / 1000,
            "ecc_corrected_total": self.number("nvmlDeviceGetTotalEccErrors", wide, handle, 0, 0),
            "ecc_uncorrected_total": self.number("nvmlDeviceGetTotalEccErrors", wide, handle, 1, 0),
            **self.traffic(handle),
        }

    def traffic(self, handle: Any) -> dict[str, Any]:
        """Bytes over NVLink and PCIe; a field that the device doesn't have is asked for once."""
        wanted = self.traffic_fields.setdefault(handle.value, list(FIELDS))
        values = (FieldValue * len(wanted))(*(FieldValue(field=field, scope=ALL_LINKS) for field in wanted))
        if not wanted or not self.call("nvmlDeviceGetFieldValues", handle, len(wanted), values):
            return {}
        self.traffic_fields[handle.value] = [value.field for value in values if value.code != NOT_SUPPORTED]
        known = [value for value in values if value.code == 0 and value.kind in WIDE]
        return {FIELDS[value.field][0]: value.value * FIELDS[value.field][1] for value in known}

    def watched(self, handle: Any, counted: bool) -> dict[str, Any]:
        """What is told of a device while a run lasts; its counters only where they are asked for."""
        return {**(self.counters(handle) if counted else {}), **self.activity(handle)}

    def device(self, index: int) -> dict[str, Any] | None:
        handle = self.handle(index)
        if handle is None:
            return None
        uint = ctypes.c_uint
        activity = self.activity(handle)
        throttled = throttle_names(activity.pop("throttle_mask") or 0)
        del activity["memory_utilization_percent"]
        limit = self.number("nvmlDeviceGetEnforcedPowerLimit", uint, handle)
        ecc = self.pair("nvmlDeviceGetEccMode", uint, handle)[0]
        mig = self.pair("nvmlDeviceGetMigMode", uint, handle)[0]
        return {
            "index": index,
            "name": self.text("nvmlDeviceGetName", handle) or "unknown",
            "uuid": self.text("nvmlDeviceGetUUID", handle),
            "driver_version": self.text("nvmlSystemGetDriverVersion"),
            "memory_total_bytes": self.fields("nvmlDeviceGetMemoryInfo", ctypes.c_ulonglong, 3, handle)[0],
            "power_limit_w": None if limit is None else limit / 1000,
            "sm_clock_max_mhz": self.number("nvmlDeviceGetMaxClockInfo", uint, handle, 1),
            "ecc_enabled": None if ecc is None else bool(ecc),
            "ecc_uncorrected": self.number("nvmlDeviceGetTotalEccErrors", ctypes.c_ulonglong, handle, 1, 0),
            "throttle_reasons": throttled,
            "mig_enabled": None if mig is None else bool(mig),
            "processes": self.processes(handle),
            **activity,
        }

    def count(self) -> int:
        count: int | None = self.number("nvmlDeviceGetCount_v2", ctypes.c_uint)
        if count is None:
            raise OSError("nvmlDeviceGetCount_v2 failed")
        return count

    def devices(self) -> list[dict[str, Any]]:
        found = [self.device(index) for index in range(self.count())]
        self.library.nvmlShutdown()
        return [device for device in found if device]
