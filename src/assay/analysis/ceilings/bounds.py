"""Upper bounds of what a model can do on given hardware, and how much of them was used.

Every choice errs towards a ceiling that is too high; docs/ceilings.md derives and justifies each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assay.analysis.ceilings.tables import BYTES_PER_WEIGHT, Accelerator, ModelShape

DATASHEET_MARGIN = 1.15
"""Chips boost above the clock that their datasheet's figures are computed at (H100 SXM: 1980 against 1830 MHz)."""
MEASURED_MARGIN = 4.0
"""A micro-benchmark finds a speed that is possible, not the highest one, and other loads may have slowed it."""
SPECULATIVE_TOKENS = 8
"""Tokens accepted a step by speculative decoding that nobody declared, in the most generous reading."""


@dataclass(frozen=True)
class Workload:
    """What one sample asks of the hardware, on average.

    `precision` is that of the weights (None: unknown, the smallest and fastest is taken); `kv_bytes` the bytes of a
    number in the KV cache (None: one byte where the precision is known, else half a byte); `cached_input` the share
    of the prompt's tokens that prefix caching may have saved; `speculative_tokens` the most tokens a decode step
    can yield for one sample.
    """

    input_tokens: float
    output_tokens: float
    precision: str | None = None
    kv_bytes: float | None = None
    cached_input: float = 0.0
    speculative_tokens: float = 1.0

    @property
    def weight_bytes(self) -> float:
        return BYTES_PER_WEIGHT.get(self.precision or "", min(BYTES_PER_WEIGHT.values()))

    @property
    def bytes_per_kv(self) -> float:
        if self.kv_bytes is not None:
            return self.kv_bytes
        return 1.0 if self.precision else 0.5

    @property
    def context(self) -> float:
        """Tokens in the KV cache at the middle of the answer."""
        return self.input_tokens + self.output_tokens / 2


@dataclass(frozen=True)
class Hardware:
    """All accelerators of a system, taken as one, with perfect parallelism."""

    names: tuple[str, ...]
    memory_bytes: float
    bandwidth: float
    cache_bytes: float
    flops: float
    margin: float
    measured: bool
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Ceilings:
    """Upper bounds; latencies are lower bounds. `limits` names what bounds each; rates are inf where nothing does."""

    samples_per_s: float
    output_tokens_per_s: float
    single_stream_tokens_per_s: float
    ttft_ns: float
    tpot_ns: float
    batch: float
    weights_fit: bool
    limit: str
    arithmetic: str


def combine(parts: Sequence[tuple[Accelerator, int]], precision: str | None = None) -> Hardware:
    """Sum accelerators and their counts. `precision` chooses the operations a second (None: the fastest)."""
    total = sum(count for _, count in parts)
    if total < 1:
        raise ValueError("needs at least one accelerator")
    measured = any(item.measured for item, _ in parts)
    return Hardware(
        names=tuple(f"{count} x {item.name}" for item, count in parts),
        memory_bytes=sum(item.memory_bytes * count for item, count in parts),
        bandwidth=sum(item.bandwidth * count for item, count in parts),
        cache_bytes=sum(item.cache_bytes * count for item, count in parts),
        flops=sum(item.flops(precision) * count for item, count in parts),
        margin=MEASURED_MARGIN if measured else DATASHEET_MARGIN,
        measured=measured,
        sources=tuple(item.source for item, _ in parts),
    )


def sample_flops(model: ModelShape, work: Workload) -> float:
    """Least operations of one sample: two a weight and token; attention's own and the last token's layers left out."""
    tokens = work.input_tokens * (1 - work.cached_input) + max(work.output_tokens - 1, 0)
    return 2 * model.layer_params * tokens + 2 * model.head_params * work.output_tokens


def ceilings(model: ModelShape, hardware: Hardware, work: Workload) -> Ceilings:
    """The bounds, the hardware's margin applied."""
    flops, bandwidth = hardware.flops * hardware.margin, hardware.bandwidth * hardware.margin
    weights = (model.layer_params + model.head_params) * work.weight_bytes
    stored = model.stored_params * work.weight_bytes
    kv = model.kv_values * work.bytes_per_kv * work.context
    fits = stored <= hardware.memory_bytes
    batch = max((hardware.memory_bytes - stored) / kv, 1.0)
    uncached = max(weights - hardware.cache_bytes, 0.0)

    step_bytes = uncached + batch * kv if uncached else 0.0
    steps = max(work.output_tokens - 1, 0) / work.speculative_tokens
    memory_s = steps * step_bytes / (batch * bandwidth)
    compute_s = sample_flops(model, work) / flops
    sample_s = max(memory_s, compute_s)

    alone_bytes = max(weights + kv - hardware.cache_bytes, 0.0)
    tpot_s = alone_bytes / bandwidth / work.speculative_tokens
    prompt = work.input_tokens * (1 - work.cached_input)
    ttft_s = max(2 * model.layer_params * prompt / flops, uncached / bandwidth)
    rate = 1 / sample_s if sample_s else math.inf
    return Ceilings(
        samples_per_s=rate,
        output_tokens_per_s=rate * work.output_tokens,
        single_stream_tokens_per_s=1 / tpot_s if tpot_s else math.inf,
        ttft_ns=ttft_s * 1e9,
        tpot_ns=tpot_s * 1e9,
        batch=batch,
        weights_fit=fits,
        limit="arithmetic" if compute_s >= memory_s else "memory bandwidth",
        arithmetic=(
            f"arithmetic: {sample_flops(model, work):.3g} operations a sample / {hardware.flops:.3g} a second x "
            f"{hardware.margin:g} = {compute_s:.3g} s; decode: {steps:.4g} steps x ({uncached:.3g} B weights + "
            f"{batch:.4g} x {kv:.3g} B KV) / ({batch:.4g} x {hardware.bandwidth:.3g} B/s x {hardware.margin:g}) = "
            f"{memory_s:.3g} s; at most {rate:.4g} samples/s"
        ),
    )


@dataclass(frozen=True)
class Utilisation:
    """Shares of the hardware's own figures (no margin), with their arithmetic. MBU is None without a batch size."""

    mfu: float
    mbu: float | None
    mfu_arithmetic: str
    mbu_arithmetic: str | None


def utilisation(
    model: ModelShape, hardware: Hardware, work: Workload, samples_per_s: float, batch: float | None = None
) -> Utilisation:
    """MFU: operations done over operations possible. MBU: bytes that decoding must read over the bytes possible.

    `batch` is the mean number of samples decoded together (all accelerators), from Little's law or telemetry.
    MFU follows Chowdhery et al. 2022 (PaLM, appendix B) without attention; MBU follows Databricks' "LLM Inference
    Performance Engineering" with the batch shared by each read of the weights.
    """
    operations = sample_flops(model, work)
    mfu = samples_per_s * operations / hardware.flops
    mfu_words = f"{samples_per_s:.4g} samples/s x {operations:.4g} operations / {hardware.flops:.4g} a second"
    if not batch or work.output_tokens <= 1:
        return Utilisation(mfu, None, mfu_words, None)
    batch = max(batch, 1.0)
    weights = (model.layer_params + model.head_params) * work.weight_bytes
    kv = model.kv_values * work.bytes_per_kv * work.context
    tokens = samples_per_s * (work.output_tokens - 1) / work.speculative_tokens
    mbu = tokens * (weights / batch + kv) / hardware.bandwidth
    mbu_words = (
        f"{tokens:.4g} decode tokens/s x ({weights:.4g} B weights / batch {batch:.4g} + {kv:.4g} B KV) / "
        f"{hardware.bandwidth:.4g} B/s"
    )
    return Utilisation(mfu, mbu, mfu_words, mbu_words)
