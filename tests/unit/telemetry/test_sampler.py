"""Reading an engine's Prometheus page."""

from __future__ import annotations

import pytest

from assay.analysis.hardware import KV_CACHE
from assay.telemetry.sampler import parse_prometheus

# Names and numbers as vLLM 0.25.0 gave them on an H200; the labels, the second engine and the last four are by hand.
PAGE = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 512.0
vllm:num_requests_running{engine="1",model_name="m"} 488.0
vllm:num_requests_waiting{engine="0",model_name="m"} 361.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75
vllm:prompt_tokens_total{engine="0",model_name="m"} 748154.0
vllm:generation_tokens_total{engine="0",model_name="m"} 189011.0
vllm:generation_tokens_created{engine="0",model_name="m"} 1.7953093e+09
vllm:e2e_request_latency_seconds_bucket{engine="0",le="0.3",model_name="m"} 4.0
python_gc_objects_collected_total{generation="0"} 3817.0
process_resident_memory_bytes 1.5e+09
"""


def test_values_are_summed_over_engines_and_shares_averaged() -> None:
    assert parse_prometheus(PAGE) == {
        "vllm:num_requests_running": 1000.0,
        "vllm:num_requests_waiting": 361.0,
        "vllm:kv_cache_usage_perc": 0.5,
        "vllm:prompt_tokens_total": 748154.0,
        "vllm:generation_tokens_total": 189011.0,
    }


@pytest.mark.parametrize(
    ("page", "name", "value"),
    [
        # Names as the servers' documentation has them; numbers by hand.
        ('sglang:token_usage{model_name="m"} 0.28\nsglang:token_usage{model_name="n"} 0.3', "sglang:token_usage", 0.29),
        ("llamacpp:kv_cache_usage_ratio 0.5", "llamacpp:kv_cache_usage_ratio", 0.5),
        ('vllm:kv_cache_usage_perc{engine="0"} 0.25', "vllm:kv_cache_usage_perc", 0.25),
    ],
)
def test_every_servers_share_of_its_cache_is_found(page: str, name: str, value: float) -> None:
    assert parse_prometheus(page) == {name: pytest.approx(value)}
    assert KV_CACHE.search(f"node-0/{name}")


def test_lines_that_are_no_metrics_are_passed_over() -> None:
    assert parse_prometheus("<html>\nnot found\n\na 1\n") == {"a": 1.0}
