"""What is in this node: prints one JSON object. Standard library only, any Python 3.8 or later; changes nothing.

It is sent to a node's interpreter on standard input, together with its other parts (`serving.probing`). Accelerators
are asked through the first that answers of NVML (libnvidia-ml.so.1), nvidia-smi and amd-smi; `accelerator_source` says
which. What was tried in vain is in `problems`.

With `--every SECONDS [--only INDEX,…]` it prints what the host and its devices do, one JSON object a line, until nobody
reads it any more: devices of NVML, else of the amdsmi library, those of `--only`, else of CUDA_VISIBLE_DEVICES where it
holds numbers, else all.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from assay.telemetry.amdsmi import Amd
from assay.telemetry.nvml import Nvml, throttle_names
from assay.telemetry.packages import Packages

TOOL_TIMEOUT_S = 15

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


def boot_id() -> str:
    """The running kernel's own: nodes that have the same one are parts of one machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


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
        "boot_id": boot_id(),
        "cpu_model": first_match("/proc/cpuinfo", "model name") or platform.machine(),
        "cpu_count": len(os.sched_getaffinity(0)),
        "memory_total_bytes": kilobytes("MemTotal"),
        "memory_available_bytes": kilobytes("MemAvailable"),
        "disk_free_bytes": space.f_bavail * space.f_frsize,
        "python_version": platform.python_version(),
        "load_1m": os.getloadavg()[0],
        "cpu_governor": governor(),
        "cpu_energy": Packages().words,
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


def watched_devices(wanted: set[int] | None) -> dict[int, Callable[[bool], dict[str, Any]]]:
    """A look at each accelerator that is wanted, with its counters or without, by its index.

    Of the first library that answers.
    """
    try:
        nvml = Nvml()
        handles = {index: nvml.handle(index) for index in range(nvml.count()) if wanted is None or index in wanted}
        return {index: partial(nvml.watched, handle) for index, handle in handles.items() if handle}
    except OSError as error:
        print(error, file=sys.stderr)
    try:
        amd = Amd()
    except OSError as error:
        print(error, file=sys.stderr)
        return {}
    chosen = [index for index in range(len(amd.handles)) if wanted is None or index in wanted]
    return {index: partial(amd.watched, amd.handles[index]) for index in chosen}


def watch(every_s: float, wanted: set[int] | None) -> None:
    """Print `{"at_ns": …, "host": …, "gpus": {index: …}}`, a line every `every_s` seconds; without devices the host.

    `at_ns` is CLOCK_MONOTONIC of this machine, `utc_ns` of the host its clock. Counters are dear to read: those of one
    device a line, in turn.
    """
    devices = watched_devices(wanted)
    counted = itertools.cycle(devices)
    packages = Packages()
    before = cpu_times()
    while True:
        begin = time.monotonic()
        at_ns, now = time.monotonic_ns(), cpu_times()
        host = {**host_activity(before, now), **packages.read()}
        turn = next(counted, None)
        gpus = {index: look(index == turn) for index, look in devices.items()}
        host["utc_ns"] = time.time_ns()
        print(json.dumps({"at_ns": at_ns, "host": host, "gpus": gpus}), flush=True)
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
