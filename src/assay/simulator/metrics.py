"""The counters of /metrics, under the names that vLLM gives them."""

from __future__ import annotations

from assay.simulator.engine import Engine


def metrics_page(engine: Engine, model: str, kv_tokens: int) -> bytes:
    """Prometheus' text format."""
    label = f'{{model_name="{model}"}}'
    usage = engine.kv_used / kv_tokens if kv_tokens else 0.0
    lines: list[str] = []
    for name, kind, value in (
        ("num_requests_running", "gauge", len(engine.running)),
        ("num_requests_waiting", "gauge", len(engine.waiting)),
        ("kv_cache_usage_perc", "gauge", usage),
        ("num_preemptions_total", "counter", engine.preemptions),
        ("prompt_tokens_total", "counter", engine.prompt_tokens),
        ("generation_tokens_total", "counter", engine.generated_tokens),
    ):
        lines += [f"# TYPE vllm:{name} {kind}", f"vllm:{name}{label} {value}"]
    lines.append("# TYPE vllm:request_success_total counter")
    for reason, count in engine.finished.items():
        lines.append(f'vllm:request_success_total{{finished_reason="{reason}",model_name="{model}"}} {count}')
    return ("\n".join(lines) + "\n").encode()
