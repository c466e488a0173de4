"""The server's counters, in Prometheus' text form under vLLM's names."""

from __future__ import annotations

from dataclasses import dataclass, field

FINISHED_REASONS = ("stop", "length", "abort", "error")


@dataclass(slots=True)
class Counters:
    """Totals since the server started; `finished` is by reason."""

    prompt_tokens: int = 0
    generation_tokens: int = 0
    finished: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FINISHED_REASONS, 0))


def render(model: str, counters: Counters, running: int, waiting: int, kv_usage: float) -> bytes:
    """The body of `GET /metrics`; `kv_usage` is a fraction."""
    label = f'model_name="{model}"'
    families: list[tuple[str, str, str, list[tuple[str, float]]]] = [
        ("num_requests_running", "gauge", "Requests in the running batch.", [(label, running)]),
        ("num_requests_waiting", "gauge", "Requests waiting to be scheduled.", [(label, waiting)]),
        ("kv_cache_usage_perc", "gauge", "KV cache in use; 1 is all of it.", [(label, kv_usage)]),
        ("prompt_tokens_total", "counter", "Prompt tokens taken in.", [(label, counters.prompt_tokens)]),
        ("generation_tokens_total", "counter", "Tokens generated.", [(label, counters.generation_tokens)]),
        (
            "request_success_total",
            "counter",
            "Requests ended, by reason.",
            [(f'finished_reason="{reason}",{label}', count) for reason, count in counters.finished.items()],
        ),
    ]
    lines = []
    for name, kind, text, samples in families:
        lines += [f"# HELP vllm:{name} {text}", f"# TYPE vllm:{name} {kind}"]
        lines += [f"vllm:{name}{{{labels}}} {value}" for labels, value in samples]
    return ("\n".join(lines) + "\n").encode()
