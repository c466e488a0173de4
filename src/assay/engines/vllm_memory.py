"""What vLLM's log says of an accelerator's memory: how much its weights take, and how much is left for the KV cache."""

from __future__ import annotations

import re

from assay.runs.record import MemoryFacts

_GIB = 1 << 30
_WEIGHTS = re.compile(r"Model loading took ([0-9.]+) GiB")
_CACHE = re.compile(r"Available KV cache memory: ([0-9.]+) GiB")
_TOKENS = re.compile(r"GPU KV cache size: ([0-9,]+) tokens")
_PROCESS = re.compile(r"\bpid=(\d+)")


def memory_told(log: str) -> MemoryFacts | None:
    """Of the last start in the log, which may hold earlier ones, of its fullest accelerator; None where it isn't told.

    Each worker logs its weights, then its cache: weights after a cache are of another start (or of another copy of the
    model, whose numbers are the same), and weights without a cache are of one that failed.
    """
    weights: dict[str, float] = {}
    caches: dict[str, float] = {}
    tokens: int | None = None
    for line in log.splitlines():
        found = _PROCESS.search(line)
        process = found[1] if found else ""
        if match := _WEIGHTS.search(line):
            if caches:
                weights, caches, tokens = {}, {}, None
            weights[process] = float(match[1])
        elif match := _CACHE.search(line):
            caches[process] = float(match[1])
        elif match := _TOKENS.search(line):
            tokens = int(match[1].replace(",", ""))
    whole = [(weights[process], cache) for process, cache in caches.items() if process in weights]
    if not whole:
        return None
    most = max(whole, key=sum)
    return MemoryFacts(
        weights_bytes=round(most[0] * _GIB), kv_cache_bytes=round(most[1] * _GIB), kv_cache_tokens=tokens
    )
