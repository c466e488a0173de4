"""What fields are called on a page."""

from __future__ import annotations

import pytest

from assay.report.names import engine_words, name_in_words, value_in_words
from assay.runs.record import EndpointFacts


@pytest.mark.parametrize(
    ("field", "value", "name", "text"),
    [
        ("cpu_count", 64, "Processors that a process may use", "64"),
        ("gpu1_sm_clock_mhz", 1980.0, "GPU 1, SM clock", "1,980 MHz"),
        ("gpu0_temperature_c", 61.5, "GPU 0, temperature", "61.50 °C"),
        ("gpu0_pcie_tx_bytes_total", 5, "GPU 0, PCIe sent bytes", "5"),
        ("cpu1_energy_j", 1500.0, "CPU 1, energy", "1,500 J"),
        ("gpu0_memory_used_bytes", 1 << 30, "GPU 0, memory used", "1 GiB"),
        ("node-a/vllm:num_requests_running", 3.0, "node-a/vllm:num_requests_running", "3"),
        ("ttft_error_p99_ns", 2_500_000, "TTFT error p99", "2.500 ms"),
        ("vllm:num_requests_running", 3.0, "vllm:num_requests_running", "3"),
        ("measured_utc", "2026-01-02T03:04:05Z", "Measured", "2 Jan 2026, 03:04:05 UTC"),
        ("ecc_enabled", True, "ECC enabled", "yes"),
    ],
)
def test_fields_in_words(field: str, value: object, name: str, text: str) -> None:
    assert (name_in_words(field), value_in_words(field, value)) == (name, text)


@pytest.mark.parametrize(
    ("engine", "version", "server", "words"),
    [
        ("vllm", "0.9", None, "vllm 0.9"),
        ("embedded", None, None, "embedded"),
        ("simulated", "0.1.0", None, "Assay's simulator 0.1.0"),
        ("external", None, "other", "not started by Assay"),
        ("external", "0.1.0", "other", "not started by Assay: version 0.1.0"),
        ("external", "0.9", "vllm", "not started by Assay: vllm 0.9"),
        ("external", None, "sglang", "not started by Assay: sglang"),
        ("external", None, None, "not started by Assay"),
    ],
)
def test_what_serves_in_words(engine: str, version: str | None, server: str | None, words: str) -> None:
    settings = {} if server is None else {"server": server}
    facts = EndpointFacts(
        name="a",
        url="http://a:1",
        node="a",
        engine=engine,
        engine_version=version,
        model="m",
        window=1,
        settings=settings,
    )
    assert engine_words(facts) == words
