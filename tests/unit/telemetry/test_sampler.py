"""Reading an engine's Prometheus page."""

from __future__ import annotations

from assay.engines.vllm import VLLM_METRICS
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


def test_every_metric_that_is_named_for_vllm_is_on_its_page() -> None:
    names = {getattr(VLLM_METRICS, field) for field in VLLM_METRICS.__dataclass_fields__}
    assert names <= parse_prometheus(PAGE).keys()


def test_lines_that_are_no_metrics_are_passed_over() -> None:
    assert parse_prometheus("<html>\nnot found\n\na 1\n") == {"a": 1.0}
