"""What vLLM's log tells of memory and of failures. The lines are of the form that its processes write."""

from __future__ import annotations

import pytest

from assay.engines.vllm_log import failure_told, memory_told

GIB = 1 << 30


def weights(gib: float, process: str = "EngineCore pid=10") -> str:
    return f"({process}) INFO 11-28 01:00:00 [runner.py:1] Model loading took {gib} GiB memory and 3.1 seconds"


def cache(gib: float, process: str = "EngineCore pid=10") -> str:
    return f"({process}) INFO 11-28 01:00:09 [gpu_worker.py:1] Available KV cache memory: {gib} GiB"


TOKENS = "(EngineCore pid=10) INFO 11-28 01:00:09 [kv_cache_utils.py:1] GPU KV cache size: 419,872 tokens"


def test_one_accelerator() -> None:
    found = memory_told("\n".join(["starting", weights(14.99), cache(51.26), TOKENS, "ready"]))
    assert found is not None
    assert found.weights_bytes / GIB == pytest.approx(14.99)
    assert found.kv_cache_bytes / GIB == pytest.approx(51.26)
    assert found.kv_cache_tokens == 419_872


def test_of_several_workers_the_fullest() -> None:
    workers = [f"Worker_TP{rank} pid={20 + rank}" for rank in range(2)]
    lines = [weights(7.5, workers[0]), weights(7.6, workers[1]), cache(58.1, workers[1]), cache(58.9, workers[0])]
    found = memory_told("\n".join(lines))
    assert found is not None
    assert (found.weights_bytes / GIB, found.kv_cache_bytes / GIB) == pytest.approx((7.5, 58.9))
    assert found.kv_cache_tokens is None


def test_the_last_start_counts_and_one_that_failed_does_not() -> None:
    first = [weights(14.99), cache(51.26), TOKENS]
    failed = [weights(29.9, "EngineCore pid=11"), "torch.OutOfMemoryError: CUDA out of memory"]
    last = [weights(8.1, "EngineCore pid=12"), cache(60.5, "EngineCore pid=12")]
    found = memory_told("\n".join([*first, *failed, *last]))
    assert found is not None
    assert (found.weights_bytes / GIB, found.kv_cache_bytes / GIB) == pytest.approx((8.1, 60.5))
    assert found.kv_cache_tokens is None, "the first start's are of other settings"


def test_what_is_not_told_is_unknown() -> None:
    assert memory_told("") is None
    assert memory_told(weights(14.99)) is None
    assert memory_told(cache(51.26)) is None


OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
NO_CACHE = "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`."
WRAPPER = "RuntimeError: Engine core initialization failed. See root cause above."


def failed_start(error: str, core: int, api: int) -> list[str]:
    """As a server writes it whose engine's process raises `error` while it starts."""
    return [
        f"(APIServer pid={api}) INFO 11-28 01:00:00 [utils.py:1] non-default args: {{}}",
        f"(EngineCore pid={core}) ERROR 11-28 01:00:30 [core.py:1] Traceback (most recent call last):",
        f"(EngineCore pid={core}) ERROR 11-28 01:00:30 [core.py:1] {error}",
        *[f"(APIServer pid={api})   File line {number}" for number in range(20)],
        f"(APIServer pid={api}) {WRAPPER} Failed core proc(s): {{}}",
    ]


def test_the_cause_of_a_failed_start_is_the_error_that_is_no_wrapper() -> None:
    assert failure_told("\n".join(failed_start(OUT_OF_MEMORY, 11, 10))) == OUT_OF_MEMORY
    assert failure_told("\n".join(failed_start(NO_CACHE, 11, 10))) == NO_CACHE


def test_an_earlier_starts_error_is_not_the_last_ones() -> None:
    earlier = failed_start(OUT_OF_MEMORY, 11, 10)
    assert failure_told("\n".join([*earlier, *failed_start(NO_CACHE, 21, 20)])) == NO_CACHE
    slow = ["(APIServer pid=30) INFO 11-28 01:00:00 [utils.py:1] still loading"]
    assert failure_told("\n".join([*earlier, *slow])) == "", "it ran out of time, not of memory"
    usage = "api_server.py: error: argument --dtype: invalid choice: 'float7'"
    assert failure_told("\n".join([*earlier, "usage: ...", usage])) == usage.removeprefix("api_server.py: ")


def test_a_log_without_an_error_names_none() -> None:
    assert failure_told("") == ""
    assert failure_told("\n".join([weights(14.99), cache(51.26)])) == ""
