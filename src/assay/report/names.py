"""What the fields of records and telemetry are called on a page, and their values with units."""

from __future__ import annotations

import re
from typing import Any

from assay.report import format as fmt
from assay.runs.record import EndpointFacts

_KNOWN = {
    "address": "Address",
    "bandwidth_gb_s": "Memory bandwidth",
    "cache_mb": "Last-level cache",
    "cpu": "Processor",
    "cpu_count": "Processors that a process may use",
    "cpu_energy": "Energy of its CPU packages",
    "cpu_governor": "Frequency governor",
    "cpu_model": "Processor",
    "cpu_percent": "Processor in use",
    "disk_free_bytes": "Disk free before the run",
    "hostname": "Host name",
    "load_1m": "Load before the run, mean of a minute",
    "measured_utc": "Measured",
    "memory_available_bytes": "Memory free before the run",
    "memory_gb": "Memory",
    "memory_total_bytes": "Memory",
    "os": "Operating system",
    "python_version": "Python",
    "telemetry": "Watched during the run",
    "tflops": "Arithmetic, TFLOP/s",
}
_UNITS = {"mhz": "MHz", "j": "J", "w": "W", "c": "°C", "percent": "%", "gb_s": "GB/s", "gb": "GB", "mb": "MB"}
_SHORT = {
    "sm": "SM",
    "kv": "KV",
    "ecc": "ECC",
    "mig": "MIG",
    "nvlink": "NVLink",
    "pcie": "PCIe",
    "rx": "received",
    "tx": "sent",
    "gpu": "GPU",
    "cpu": "CPU",
    "ttft": "TTFT",
    "tpot": "TPOT",
}
_UNIT = re.compile(rf"_({'|'.join(_UNITS)}|ns|bytes|utc|total)$")
_OUR_OWN = re.compile(r"\w+")
_PART = re.compile(r"^(gpu|cpu)(\d+)_(.+)$")


def name_in_words(field: str) -> str:
    """Such as "GPU 0, SM clock" from "gpu0_sm_clock_mhz"; an engine's own name, which has a slash or a colon, stays."""
    if field in _KNOWN or not _OUR_OWN.fullmatch(field):
        return _KNOWN.get(field, field)
    if match := _PART.match(field):
        return f"{_SHORT[match[1]]} {match[2]}, {_plain(match[3])}"
    words = _plain(field)
    return f"{words[:1].upper()}{words[1:]}"


def _plain(field: str) -> str:
    return " ".join(_SHORT.get(word, word) for word in _UNIT.sub("", field).split("_"))


def value_in_words(field: str, value: Any) -> str:
    """The value with its unit, which the field's name ends in."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value_in_words(field, item) for item in value)
    unit = (match := _UNIT.search(field)) and match[1]
    if unit == "utc":
        return fmt.moment(str(value))
    if not isinstance(value, int | float):
        return str(value)
    if unit == "bytes":
        return fmt.size(value)
    if unit == "ns":
        return f"{fmt.ms(value)} ms"
    return f"{fmt.number(value)} {_UNITS[unit]}" if unit in _UNITS else fmt.number(value)


def engine_words(endpoint: EndpointFacts) -> str:
    """What serves, with its version where it is known: such as "vllm 0.9", "Assay's simulator 0.1.0", or of a server
    that was there before "not started by Assay: vllm 0.9"."""
    named = {"simulated": "Assay's simulator", "external": str(endpoint.settings.get("server", "other"))}
    name, version = named.get(endpoint.engine, endpoint.engine), endpoint.engine_version or ""
    if endpoint.engine != "external":
        return f"{name} {version}".strip()
    known = (f"version {version}" if version else "") if name == "other" else f"{name} {version}".strip()
    return f"not started by Assay: {known}" if known else "not started by Assay"
