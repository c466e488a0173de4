"""What is in this node: prints one JSON object. Standard library only, any Python 3.8 or later; changes nothing.

It is sent to a node's interpreter on standard input. Accelerators are asked through the first that answers of NVML
(libnvidia-ml.so.1), nvidia-smi and amd-smi; `accelerator_source` says which. What was tried in vain is in `problems`.

With `--every SECONDS [--only INDEX,…]` it prints what the host and NVML's devices do, one JSON object a line, until
nobody reads it any more. Devices are those of `--only`, else of CUDA_VISIBLE_DEVICES where it holds numbers, else all.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TOOL_TIMEOUT_S = 15

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
SMI_FIELDS: dict[str, tuple[str, Any]] = {
    "index": ("index", int),
    "name": ("name", str),
    "uuid": ("uuid", str),
    "driver_version": ("driver_version", str),
    "memory.total": ("memory_total_bytes", "MiB"),
    "memory.used": ("memory_used_bytes", "MiB"),
    "temperature.gpu": ("temperature_c", float),
    "power.draw": ("power_w", float),
    "enforced.power.limit": ("power_limit_w", float),
    "clocks.sm": ("sm_clock_mhz", int),
    "clocks.max.sm": ("sm_clock_max_mhz", int),
    "clocks.mem": ("memory_clock_mhz", int),
    "utilization.gpu": ("utilization_percent", float),
    "ecc.mode.current": ("ecc_enabled", "switch"),
    "ecc.errors.uncorrected.volatile.total": ("ecc_uncorrected", int),
    "clocks_throttle_reasons.active": ("throttle_reasons", "mask"),
    "mig.mode.current": ("mig_enabled", "switch"),
}


def throttle_names(mask: int) -> list[str]:
    return [name for bit, name in sorted(THROTTLE_REASONS.items()) if mask & bit]


class Nvml:
    """The few calls that the probe needs. A call that the driver doesn't know, or refuses, gives None."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL("libnvidia-ml.so.1")
        code = self.library.nvmlInit_v2()
        if code:
            raise OSError(f"nvmlInit_v2 gave error {code}")

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
        # With room for none the answer is "insufficient size" (7) and the number.
        return count.value if function and function(handle, ctypes.byref(count), None) in (0, 7) else None

    def handle(self, index: int) -> Any:
        handle = ctypes.c_void_p()
        return handle if self.call("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(handle)) else None

    def activity(self, handle: Any) -> dict[str, Any]:
        """What changes from second to second; `throttle_mask` holds NVML's bits."""
        uint = ctypes.c_uint
        power = self.number("nvmlDeviceGetPowerUsage", uint, handle)
        return {
            "memory_used_bytes": self.fields("nvmlDeviceGetMemoryInfo", ctypes.c_ulonglong, 3, handle)[2],
            "temperature_c": self.number("nvmlDeviceGetTemperature", uint, handle, 0),
            "power_w": None if power is None else power / 1000,
            "sm_clock_mhz": self.number("nvmlDeviceGetClockInfo", uint, handle, 1),
            "memory_clock_mhz": self.number("nvmlDeviceGetClockInfo", uint, handle, 2),
            "utilization_percent": self.fields("nvmlDeviceGetUtilizationRates", uint, 2, handle)[0],
            "throttle_mask": self.number("nvmlDeviceGetCurrentClocksThrottleReasons", ctypes.c_ulonglong, handle),
        }

    def device(self, index: int) -> dict[str, Any] | None:
        handle = self.handle(index)
        if handle is None:
            return None
        uint = ctypes.c_uint
        activity = self.activity(handle)
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
            "throttle_reasons": throttle_names(activity.pop("throttle_mask") or 0),
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


def from_nvml() -> list[dict[str, Any]]:
    return Nvml().devices()


def output_of(command: list[str]) -> str:
    """A tool's standard output, without its warnings. Raises OSError where it is missing, fails or hangs."""
    if shutil.which(command[0]) is None:
        raise OSError(f"{command[0]} is not installed")
    try:
        done = subprocess.run(command, capture_output=True, timeout=TOOL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise OSError(f"{command[0]} did not answer in {TOOL_TIMEOUT_S} s") from None
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise OSError(f"{command[0]}: {said.strip()[:200]}")
    return done.stdout.decode(errors="replace")


def smi_value(text: str, kind: Any) -> Any:
    text = text.strip()
    if text.startswith("[") or text in ("N/A", ""):
        return [] if kind == "mask" else None
    if kind == "MiB":
        return int(text) << 20
    if kind == "switch":
        return text == "Enabled"
    if kind == "mask":
        return throttle_names(int(text, 16))
    return kind(text)


def parse_nvidia_smi(text: str) -> list[dict[str, Any]]:
    """Devices of `nvidia-smi --query-gpu --format=csv,noheader,nounits`."""
    devices = []
    for line in text.splitlines():
        if line.strip():
            pairs = zip(line.split(", "), SMI_FIELDS.values())  # noqa: B905 - old Pythons know no strict zip
            devices.append({key: smi_value(cell, kind) for cell, (key, kind) in pairs})
    return devices


def from_nvidia_smi() -> list[dict[str, Any]]:
    query = "--query-gpu=" + ",".join(SMI_FIELDS)
    return parse_nvidia_smi(output_of(["nvidia-smi", query, "--format=csv,noheader,nounits"]))


def amd_section(item: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of what amd-smi tells of a device, without what it doesn't know (in old versions that is the part)."""
    section = item.get(name)
    known = section.items() if isinstance(section, dict) else ()
    return {key: value for key, value in known if value != "N/A"}


def parse_amd_smi(text: str) -> list[dict[str, Any]]:
    """Devices of `amd-smi static --json`: a list, or in later versions an object with `gpu_data`.

    Names of fields are those that amd-smi's own source (amdsmi_cli/amdsmi_commands.py) writes; in early versions they
    were the library's: `vram_size_mb`, `driver_version`.
    """
    data = json.loads(text)
    devices = []
    for item in data["gpu_data"] if isinstance(data, dict) else data:
        asic, vram, driver = (amd_section(item, name) for name in ("asic", "vram", "driver"))
        size = vram.get("size", vram.get("vram_size_mb"))
        megabytes = size.get("value") if isinstance(size, dict) else size
        device: dict[str, Any] = {
            "index": int(item["gpu"]),
            "name": str(asic.get("market_name", "unknown")),
            "uuid": asic.get("asic_serial"),
            "driver_version": driver.get("version", driver.get("driver_version")),
        }
        if str(megabytes).isdigit():
            device["memory_total_bytes"] = int(str(megabytes)) << 20
        devices.append(device)
    return devices


def from_amd_smi() -> list[dict[str, Any]]:
    return parse_amd_smi(output_of(["amd-smi", "static", "--json"]))


def accelerators() -> tuple[str, list[dict[str, Any]], list[str]]:
    """Source, devices and problems. A source that finds none is passed over."""
    problems = []
    for source, ask in (("nvml", from_nvml), ("nvidia-smi", from_nvidia_smi), ("amd-smi", from_amd_smi)):
        try:
            found = ask()
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{source}: {error}")
            continue
        if found:
            return source, found, problems
        problems.append(f"{source}: no devices")
    return "none", [], problems


def first_match(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        name, _, value = line.partition("=" if "=" in line else ":")
        if name.strip() == key:
            return value.strip().strip('"')
    return ""


def kilobytes(key: str) -> int:
    return int((first_match("/proc/meminfo", key).split() or ["0"])[0]) * 1024


def governor() -> str | None:
    try:
        return Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text().strip()
    except OSError:
        return None


def probe(folder: Path) -> dict[str, Any]:
    """Everything. `folder` is where servers would keep their files."""
    while not folder.is_dir():
        folder = folder.parent
    space = os.statvfs(folder)
    source, devices, problems = accelerators()
    return {
        "hostname": platform.node(),
        "os": first_match("/etc/os-release", "PRETTY_NAME") or platform.system(),
        "kernel": platform.release(),
        "cpu_model": first_match("/proc/cpuinfo", "model name") or platform.machine(),
        "cpu_count": len(os.sched_getaffinity(0)),
        "memory_total_bytes": kilobytes("MemTotal"),
        "memory_available_bytes": kilobytes("MemAvailable"),
        "disk_free_bytes": space.f_bavail * space.f_frsize,
        "python_version": platform.python_version(),
        "load_1m": os.getloadavg()[0],
        "cpu_governor": governor(),
        "accelerator_source": source,
        "accelerators": devices,
        "problems": problems,
        "utc_ns": time.time_ns(),
    }


def cpu_times() -> tuple[int, int]:
    """Ticks since boot, of all CPUs: busy and total. Time that guests take is in user time already."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    total = sum(ticks)
    return total - ticks[3] - ticks[4], total  # idle, and waiting for a disk


def host_activity(before: tuple[int, int], now: tuple[int, int]) -> dict[str, Any]:
    """What changes from second to second; CPU between two readings of its times."""
    elapsed = now[1] - before[1]
    return {
        "cpu_percent": round(100 * (now[0] - before[0]) / elapsed, 1) if elapsed else None,
        "memory_used_bytes": kilobytes("MemTotal") - kilobytes("MemAvailable"),
        "load_1m": os.getloadavg()[0],
    }


def chosen_devices(arguments: list[str]) -> set[int] | None:
    """Indices of devices that matter; None: all."""
    only = "--only" in arguments
    text = arguments[arguments.index("--only") + 1] if only else os.environ.get("CUDA_VISIBLE_DEVICES", "")
    words = [word for word in text.split(",") if word]
    return {int(word) for word in words} if only or (words and all(map(str.isdigit, words))) else None


def watch(every_s: float, wanted: set[int] | None) -> None:
    """Print `{"host": …, "gpus": {index: …}}`, a line every `every_s` seconds; without NVML only the host."""
    handles: dict[int, Any] = {}
    try:
        nvml = Nvml()
        handles = {index: nvml.handle(index) for index in range(nvml.count()) if wanted is None or index in wanted}
    except OSError as error:
        print(error, file=sys.stderr)
    before = cpu_times()
    while True:
        begin = time.monotonic()
        now = cpu_times()
        gpus = {index: nvml.activity(handle) for index, handle in handles.items() if handle}
        print(json.dumps({"host": host_activity(before, now), "gpus": gpus}), flush=True)
        before = now
        time.sleep(max(0.0, begin + every_s - time.monotonic()))


def main(arguments: list[str]) -> int:
    if arguments[:1] != ["--every"]:
        json.dump(probe(Path(arguments[0] if arguments else "~").expanduser()), sys.stdout)
        return 0
    try:
        watch(float(arguments[1]), chosen_devices(arguments))
    except BrokenPipeError:
        # Nothing more can be written, which the interpreter's own flush at its end doesn't know.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
