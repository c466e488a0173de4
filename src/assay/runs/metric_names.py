"""What names and bits of telemetry mean that more than one reader looks for."""

from __future__ import annotations

import re

# NVML's clocks-event reasons that slow a GPU down against its owner's wish. The power cap (0x4) is left out: under
# full load it is the normal state of many GPUs.
SLOWDOWNS = {
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake slowdown",
}
# vLLM's names, now and before; SGLang's; llama.cpp's
KV_CACHE = re.compile(r"(kv_cache_usage_perc|gpu_cache_usage_perc|token_usage|kv_cache_usage_ratio)$")
PREEMPTIONS = re.compile(r"num_preemptions(_total)?$")

# What the controller tells of itself beside cpu_percent and the like, which every host tells.
CONTROLLER = "controller"
DISK_FREE = "output_disk_free_bytes"
"""Where the run's folder is."""
CLIENT_CPU = "client_cpu_percent"
"""Of one core, by the busiest of the load's processes."""
CLOCK_OFFSET = "clock_offset_ns"
"""A node's clock minus the controller's, and minus the time that the node's line took to the controller."""
