"""Every metric that Assay tells of a campaign: its name, unit and labels, whoever asks for it.

Names follow Prometheus' conventions (https://prometheus.io/docs/practices/naming/): base units, and the unit ends the
name. Prometheus' `_total` of counters and `_bucket`, `_sum`, `_count` of histograms come with the form it is told in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
CAMPAIGN = ("campaign",)
RUN = ("campaign", "run", "scenario")
ENDPOINT = (*RUN, "endpoint", "node")
NODE = (*RUN, "node")
GPU = (*NODE, "gpu")
PACKAGE = (*NODE, "package")


@dataclass(frozen=True)
class Metric:
    name: str
    kind: Kind
    unit: str
    """As it ends the name; empty: it has none, or counts what the name says."""
    labels: tuple[str, ...]
    words: str
    of_device: bool = False
    """A counter that began with its device or driver, not with the run's load."""


UP = Metric("assay_up", "gauge", "", (), "1: the campaign's files could be read; 0: they couldn't.")
BUILD = Metric("assay_build_info", "gauge", "", ("version",), "Always 1: which Assay this is.")

CAMPAIGN_INFO = Metric(
    "assay_campaign_info", "gauge", "", (*CAMPAIGN, "name", "kind", "simulated"),
    "Always 1: what the campaign is called; simulated is true where its servers are no real model's.",
)  # fmt: skip
CAMPAIGN_OVER = Metric("assay_campaign_over", "gauge", "", CAMPAIGN, "1: no run is left to do.")
CAMPAIGN_RUNS = Metric(
    "assay_campaign_runs", "gauge", "", (*CAMPAIGN, "state"),
    "Runs by state: completed, not_completed (over in another way), to_come (the one that is on included).",
)  # fmt: skip
CAMPAIGN_LEFT = Metric(
    "assay_campaign_left_seconds", "gauge", "seconds", CAMPAIGN,
    "Until the last run ends, if runs take as long as those like them; absent where none like them has ended.",
)  # fmt: skip

RUN_INFO = Metric(
    "assay_run_info", "gauge", "", (*RUN, "title", "mode"), "Always 1: the run that is on, else the last one that was."
)
RUN_PHASE = Metric("assay_run_phase", "gauge", "", (*RUN, "phase"), "1: the run is in this phase; 0: it isn't.")
RUN_TOLD = Metric(
    "assay_run_told_timestamp_seconds", "gauge", "seconds", RUN, "When the run last said how it stands (Unix time)."
)
RUN_ELAPSED = Metric("assay_run_elapsed_seconds", "gauge", "seconds", RUN, "Since the load began.")
RUN_LEFT = Metric(
    "assay_run_left_seconds", "gauge", "seconds", RUN, "Until the last answer; absent where it isn't known."
)
EXPECTED = Metric(
    "assay_expected_samples", "gauge", "samples", RUN, "Samples to be issued; absent where only time ends the load."
)
ISSUED = Metric("assay_issued_samples", "counter", "samples", RUN, "Samples issued since the load began.")
COMPLETED = Metric("assay_completed_samples", "counter", "samples", RUN, "Samples answered since the load began.")
FAILED = Metric("assay_failed_samples", "counter", "samples", RUN, "Samples given up after their last attempt.")
IN_FLIGHT = Metric("assay_in_flight_samples", "gauge", "samples", RUN, "Samples that an endpoint is answering.")
QUEUED = Metric("assay_queued_samples", "gauge", "samples", RUN, "Issued, and waiting for an endpoint that has room.")
INPUT_TOKENS = Metric("assay_input_tokens", "counter", "tokens", RUN, "Tokens of completed samples' prompts.")
OUTPUT_TOKENS = Metric("assay_output_tokens", "counter", "tokens", RUN, "Tokens of answers.")
TOKENS_ESTIMATED = Metric(
    "assay_tokens_estimated", "gauge", "", RUN, "1: the server counts no tokens, chunks of answers are counted instead."
)
TTFT = Metric("assay_ttft_seconds", "histogram", "seconds", RUN, "Issue to first token.")
TPOT = Metric("assay_tpot_seconds", "histogram", "seconds", RUN, "First to last token, a token; answers of at least 2.")
LATENCY = Metric("assay_latency_seconds", "histogram", "seconds", RUN, "Issue to last token.")
TTFT_LIMIT = Metric(
    "assay_ttft_limit_seconds", "gauge", "seconds", RUN, "The scenario's limit of the 99th percentile; absent: none."
)
TPOT_LIMIT = Metric(
    "assay_tpot_limit_seconds", "gauge", "seconds", RUN, "The scenario's limit of the 99th percentile; absent: none."
)
ENDPOINTS = Metric(
    "assay_endpoints", "gauge", "", (*RUN, "state"),
    "Endpoints by state: in_service, out_of_service. All are counted, also beyond those that are told of singly.",
)  # fmt: skip

ENDPOINT_IN_SERVICE = Metric(
    "assay_endpoint_in_service", "gauge", "", ENDPOINT, "0: it gets no samples until it answers a probe."
)
ENDPOINT_COMPLETED = Metric(
    "assay_endpoint_completed_samples", "counter", "samples", ENDPOINT, "Samples it answered since the load began."
)
ENDPOINT_FAILED = Metric(
    "assay_endpoint_failed_attempts", "counter", "attempts", ENDPOINT,
    "Attempts that failed at it; the samples may be answered elsewhere.",
)  # fmt: skip
ENDPOINT_IN_FLIGHT = Metric(
    "assay_endpoint_in_flight_samples", "gauge", "samples", ENDPOINT, "Samples it is answering."
)
ENDPOINT_INPUT_TOKENS = Metric(
    "assay_endpoint_input_tokens", "counter", "tokens", ENDPOINT, "Tokens of the prompts it answered."
)
ENDPOINT_OUTPUT_TOKENS = Metric("assay_endpoint_output_tokens", "counter", "tokens", ENDPOINT, "Tokens of its answers.")

NODE_HEARD = Metric(
    "assay_node_heard",
    "gauge",
    "",
    NODE,
    "0: it has told nothing for 10 s though others have, and has no other series.",
)
NODE_CPU = Metric("assay_node_cpu_ratio", "gauge", "ratio", NODE, "Of all its CPUs, busy; 1 is all.")
NODE_LOAD = Metric("assay_node_load_1m", "gauge", "", NODE, "The operating system's load average over a minute.")
NODE_MEMORY_USED = Metric("assay_node_memory_used_bytes", "gauge", "bytes", NODE, "Memory of the host in use.")
NODE_MEMORY = Metric("assay_node_memory_bytes", "gauge", "bytes", NODE, "All memory of the host.")
NODE_DISK_FREE = Metric(
    "assay_node_disk_free_bytes", "gauge", "bytes", NODE, "Where the run's folder is; of the controller alone."
)
NODE_CLOCK_OFFSET = Metric(
    "assay_node_clock_offset_seconds", "gauge", "seconds", NODE,
    "The node's clock minus the controller's and minus the way of the node's words to it.",
)  # fmt: skip
CLIENT_CPU = Metric(
    "assay_client_cpu_ratio", "gauge", "ratio", NODE, "Of one core, by the busiest of the load's processes."
)
CPU_ENERGY = Metric(
    "assay_cpu_energy_joules", "counter", "joules", PACKAGE, "Energy of a CPU package since its probe began.", True
)
GPU_UTILISATION = Metric(
    "assay_gpu_utilisation_ratio",
    "gauge",
    "ratio",
    GPU,
    "Share of time in which it computed anything, as its driver says.",
)
GPU_MEMORY_USED = Metric("assay_gpu_memory_used_bytes", "gauge", "bytes", GPU, "Memory of the accelerator in use.")
GPU_MEMORY = Metric("assay_gpu_memory_bytes", "gauge", "bytes", GPU, "All memory of the accelerator.")
GPU_POWER = Metric("assay_gpu_power_watts", "gauge", "watts", GPU, "Power drawn by the accelerator.")
GPU_TEMPERATURE = Metric("assay_gpu_temperature_celsius", "gauge", "celsius", GPU, "Of the accelerator.")
GPU_CLOCK = Metric("assay_gpu_clock_hertz", "gauge", "hertz", GPU, "Of its compute units.")
GPU_MEMORY_CLOCK = Metric("assay_gpu_memory_clock_hertz", "gauge", "hertz", GPU, "Of its memory.")
GPU_MEMORY_UTILISATION = Metric(
    "assay_gpu_memory_utilisation_ratio",
    "gauge",
    "ratio",
    GPU,
    "Share of time in which its memory was read or written.",
)
GPU_ENERGY = Metric(
    "assay_gpu_energy_joules", "counter", "joules", GPU, "Energy of the accelerator since its driver was loaded.", True
)
GPU_ECC_CORRECTED = Metric(
    "assay_gpu_ecc_corrected_errors", "counter", "errors", GPU, "Errors of memory that were corrected.", True
)
GPU_ECC_UNCORRECTED = Metric(
    "assay_gpu_ecc_uncorrected_errors", "counter", "errors", GPU, "Errors of memory that couldn't be corrected.", True
)
GPU_PCIE_SENT = Metric("assay_gpu_pcie_sent_bytes", "counter", "bytes", GPU, "By the accelerator over PCIe.", True)
GPU_PCIE_RECEIVED = Metric(
    "assay_gpu_pcie_received_bytes", "counter", "bytes", GPU, "By the accelerator over PCIe.", True
)
GPU_NVLINK_SENT = Metric("assay_gpu_nvlink_sent_bytes", "counter", "bytes", GPU, "Payload over all its NVLinks.", True)
GPU_NVLINK_RECEIVED = Metric(
    "assay_gpu_nvlink_received_bytes", "counter", "bytes", GPU, "Payload over all its NVLinks.", True
)
GPU_SLOWED = Metric(
    "assay_gpu_slowed",
    "gauge",
    "",
    GPU,
    "1: its driver slows it down (heat, power brake, hardware); the power cap isn't one.",
)

ALERTS = Metric("assay_standing_alerts", "gauge", "", RUN, "Alerts that stand.")
ALERT = Metric(
    "assay_alert", "gauge", "", (*RUN, "rule", "endpoint", "node", "gpu"),
    "1 while the alert stands, and no sample else; what it isn't about is empty.",
)  # fmt: skip

METRICS = tuple(value for value in vars().copy().values() if isinstance(value, Metric))
