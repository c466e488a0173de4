"""What this machine's CPU reaches: memory bandwidth and arithmetic, by a short micro-benchmark, cached on disk.

The figures are speeds that were reached, for the processor time that they took: on a machine that others use too, a
rate by the clock would be a fraction of the machine's, and true runs would seem faster than it can be. They aren't an
upper bound of the hardware, and whoever shares its memory lowers them; whoever compares with them leaves room
(`assay.analysis.ceilings.bounds.MEASURED_MARGIN`).
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from assay.assets import cache_dir
from assay.runs import write_json

VERSION = 2
_ROUND_S = 1.0
_MATRIX = 2048
_LAYERS = 8
_MIN_ARRAY_BYTES = 64 << 20
_BYTES_PER_CORE = 128 << 20


def cpu_ceiling(cache: Path | None = None) -> dict[str, Any]:
    """The measured limits, from the cache where this machine's are there; about five seconds otherwise.

    The keys are those of `assay.analysis.ceilings.Accelerator` (memory_gb, bandwidth_gb_s, cache_mb, tflops by
    precision), and `cores`, `machine`, `measured_utc`. `cache` is a file; the default is in `assets.cache_dir`.
    """
    path = cache or cache_dir() / "cpu_ceiling.json"
    machine = _machine()
    with contextlib.suppress(OSError, ValueError):
        known: dict[str, Any] = orjson.loads(path.read_bytes())
        if known.get("machine") == machine:
            return known
    measured = measure(machine)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, measured)
    return measured


def measure(machine: str) -> dict[str, Any]:
    """Run the micro-benchmarks now."""
    cores = len(os.sched_getaffinity(0))
    bandwidth = max(_read_bandwidth(cores), _copy_bandwidth(cores))
    tflops = {"fp32": _numpy_flops() / 1e12}
    methods = ["float32 matrix products (NumPy)"]
    by_openvino = {name: flops for name in ("f32", "bf16") if (flops := _openvino_flops(name)) is not None}
    if "f32" in by_openvino:
        tflops["fp32"] = max(tflops["fp32"], by_openvino["f32"] / 1e12)
    if "bf16" in by_openvino:
        tflops["fp16"] = by_openvino["bf16"] / 1e12
    if by_openvino:
        methods.append(f"{' and '.join(by_openvino)} matrix products (OpenVINO)")
    return {
        "name": _model_name(),
        "memory_gb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30),
        "bandwidth_gb_s": bandwidth / 1e9,
        "cache_mb": _last_level_cache() / 1e6,
        "tflops": {precision: round(value, 4) for precision, value in tflops.items()},
        "source": f"measured on {cores} cores: large array reads and copies (NumPy), {', '.join(methods)}",
        "cores": cores,
        "machine": machine,
        "measured_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _best(work: Callable[[], float]) -> float:
    """The highest rate of repeated rounds, the least disturbed one, had it had all cores for itself."""
    cores = len(os.sched_getaffinity(0))
    work()
    best, until = 0.0, time.perf_counter() + _ROUND_S
    while best == 0.0 or time.perf_counter() < until:
        begin, used = time.perf_counter(), time.process_time()
        done = work()
        seconds, share = time.perf_counter() - begin, (time.process_time() - used) / cores
        best = max(best, done / (min(seconds, share) or seconds))
    return best


def _arrays(cores: int) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """One array a core; all together well beyond the last-level cache, within a quarter of the free memory."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    wanted = max(4 * _last_level_cache() // cores, _BYTES_PER_CORE)
    size = max(min(wanted, free // 8 // cores), _MIN_ARRAY_BYTES)
    return [np.ones(size // 8) for _ in range(cores)]


def _read_bandwidth(cores: int) -> float:
    """Bytes a second that all cores read together."""
    arrays = _arrays(cores)
    size = sum(array.nbytes for array in arrays)
    with ThreadPoolExecutor(cores) as pool:  # NumPy gives up the interpreter lock while it sums

        def work() -> float:
            list(pool.map(np.sum, arrays))
            return float(size)

        return _best(work)


def _copy_bandwidth(cores: int) -> float:
    """Bytes a second that all cores read and write together in copies."""
    sources = _arrays(cores)
    targets = [np.empty_like(source) for source in sources]
    size = 2 * sum(source.nbytes for source in sources)
    with ThreadPoolExecutor(cores) as pool:

        def work() -> float:
            list(pool.map(np.copyto, targets, sources))
            return float(size)

        return _best(work)


def _numpy_flops() -> float:
    a = np.random.default_rng(1).random((_MATRIX, _MATRIX), dtype=np.float32)
    b = a.copy()
    out = np.empty_like(a)

    def work() -> float:
        np.matmul(a, b, out=out)
        return 2.0 * _MATRIX**3

    return _best(work)


def _openvino_flops(precision: str) -> float | None:
    """Matrix products in the embedded engine's library, which uses units that NumPy doesn't.

    None without it, or where it computes in another precision, as it does unasked on CPUs that lack this one.
    """
    try:
        openvino = import_module("openvino")
        ops = import_module("openvino.opset13")
    except ImportError:
        return None
    weights = ops.constant(np.random.default_rng(2).random((_MATRIX, _MATRIX), dtype=np.float32))
    parameter = ops.parameter([_MATRIX, _MATRIX], np.float32)
    node = parameter
    for _ in range(_LAYERS):
        node = ops.matmul(node, weights, False, True)
    model = openvino.Model([ops.reduce_sum(node, ops.constant([0, 1]))], [parameter])
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    if compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() != precision:
        return None
    request = compiled.create_infer_request()
    values = np.ones((_MATRIX, _MATRIX), dtype=np.float32)

    def work() -> float:
        request.infer([values])
        return 2.0 * _LAYERS * _MATRIX**3

    return _best(work)


def _last_level_cache() -> int:
    """Bytes of the largest cache of the first core, and of every other such cache of the machine."""
    sizes: dict[str, int] = {}
    for index in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cache/index*"):
        try:
            text, shared = (index / "size").read_text().strip(), (index / "shared_cpu_list").read_text().strip()
            level = (index / "level").read_text().strip()
        except OSError:
            continue
        match = re.fullmatch(r"(\d+)([KMG]?)", text)
        if match:
            sizes[f"{level} {shared}"] = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]
    last = max((key.split()[0] for key in sizes), default="0")
    return sum(size for key, size in sizes.items() if key.split()[0] == last)


def _model_name() -> str:
    with contextlib.suppress(OSError):
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def _machine() -> str:
    """What the cached figures hold for: this node, its CPU, the cores this process may use, this file's version."""
    return f"{platform.node()} {_model_name()} {len(os.sched_getaffinity(0))} cores v{VERSION}"
