"""What vLLM's log says: how much of an accelerator's memory its weights and its KV cache take, and why it ended."""

from __future__ import annotations

import re

from assay.runs.record import MemoryFacts

_GIB = 1 << 30
_WEIGHTS = re.compile(r"Model loading took ([0-9.]+) GiB")
_CACHE = re.compile(r"Available KV cache memory: ([0-9.]+) GiB")
_TOKENS = re.compile(r"GPU KV cache size: ([0-9,]+) tokens")
_PROCESS = re.compile(r"\bpid=(\d+)")
_ERROR = re.compile(r"\b((?:[A-Za-z_]+\.)*[A-Za-z_]*(?:Error|Exception): .+)$")
_USAGE = re.compile(r"\berror: .+$")
_AROUND = ("Engine core initialization failed", "WorkerProc initialization failed", "See root cause above")
"""What is raised because something else was."""
_LONGEST = 300


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


def failure_told(log: str) -> str:
    """The error that ended the last start in the log, which may stand far above the log's end; empty: none is named.

    The last one counts that isn't raised because of another: those that it caused come after it.
    """
    lines = [line for line in log.splitlines() if line.strip()]
    if not lines:
        return ""
    if not _PROCESS.search(lines[-1]) and (usage := _USAGE.search(lines[-1])):  # it ended before it began to log
        return usage[0][:_LONGEST]
    last = next((found[1] for line in reversed(lines) if (found := _PROCESS.search(line))), None)
    first = next((place for place, line in enumerate(lines) if last and f"pid={last}" in line), 0)
    errors = [match[1] for line in lines[first:] if (match := _ERROR.search(line))]
    told = [words for words in errors if not any(around in words for around in _AROUND)]
    return told[-1][:_LONGEST] if told else ""
