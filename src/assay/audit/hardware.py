"""From a run's evidence to the ceilings and the utilisation that belong to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assay.analysis.ceilings import Ceilings, Hardware, Utilisation, Workload, ceilings, combine, utilisation
from assay.analysis.ceilings.bounds import SPECULATIVE_TOKENS, sample_flops
from assay.audit.evidence import RunEvidence
from assay.audit.facts import dataset_facts
from assay.audit.spans import Span

_SHARE_OF_SET = 0.9
_ENOUGH_FOR_A_MEAN = 30
_MOST_HEADS_A_KV_HEAD = 16


@dataclass(frozen=True)
class Bounds:
    """A run's ceilings twice: without speculative decoding unless it is declared, and with the most generous one."""

    declared: Ceilings
    generous: Ceilings
    hardware: Hardware
    work: Workload
    words: str


def limits(run: RunEvidence) -> Bounds | None:
    """The ceilings of a run; None where model or hardware isn't known, or the model may be another (open division)."""
    if run.model is None or not run.hardware or run.division == "open" or run.simulated:
        return None
    hardware = combine(run.hardware, run.precision)
    work = _workload(run, least=True)
    generous = work if run.speculative_tokens else replace(work, speculative_tokens=SPECULATIVE_TOKENS)
    words = (
        f"{run.model.name}, {run.precision or 'precision not stated: the fastest'}, on {' + '.join(hardware.names)}; "
        f"{work.input_tokens:.4g} tokens in, {work.output_tokens:.4g} out"
    )
    return Bounds(ceilings(run.model, hardware, work), ceilings(run.model, hardware, generous), hardware, work, words)


def achieved(run: RunEvidence) -> Utilisation | None:
    """MFU, and MBU where the batch is known; None without model, hardware, throughput or input tokens.

    The batch is one engine's, of the run's own records, or the number in flight by Little's law; where it isn't known
    how many engines shared the samples the batch isn't either. An Offline run's samples all wait from the start, so
    there the number in flight isn't the batch.
    """
    if run.model is None or not run.hardware or run.samples_per_s is None or not run.performance or run.simulated:
        return None
    work = _workload(run, least=False)
    if not work.input_tokens:
        return None
    batch = None
    if run.engines is None:
        pass
    elif run.measured and run.measured.decode_batch:
        batch = run.measured.decode_batch / run.engines
    elif run.scenario_key != "offline" and run.latency.mean:
        batch = run.samples_per_s.value * run.latency.mean.value / 1e9 / run.engines
    hardware = combine(run.hardware, run.precision)
    return utilisation(run.model, hardware, work, run.samples_per_s.value, batch)


def mfu_range(run: RunEvidence) -> tuple[float, float, str] | None:
    """The least and the most MFU that a run's figures allow, with the arithmetic; None where they give none.

    Between them lie what the figures' rounding leaves open, attention counted or not, every stored weight counted or
    those that multiply alone, and, of an unstated precision, any that the accelerators have a figure for.
    """
    if run.model is None or not run.hardware or run.samples_per_s is None or run.simulated or not run.performance:
        return None
    tokens_in, tokens_out = run.mean_input_tokens, output_tokens(run)
    if tokens_in is None or tokens_out is None or run.samples_per_s.low <= 0:
        return None
    least = sample_flops(run.model, Workload(max(tokens_in.low, 0), max(tokens_out.low, 1), run.precision))
    tokens = tokens_in.high + tokens_out.high
    attention = 2 * run.model.kv_values * _MOST_HEADS_A_KV_HEAD * tokens**2 / 2
    most = 2 * run.model.stored_params * tokens + attention
    known = {name for item, _ in run.hardware for name in item.tflops if name != "fp32"}
    speeds = [combine(run.hardware, name).flops for name in ({run.precision} if run.precision else known)]
    low, high = run.samples_per_s.low * least / max(speeds), run.samples_per_s.high * most / min(speeds)
    words = (
        f"{run.samples_per_s} samples/s x {least:.3g} to {most:.3g} operations / {min(speeds):.3g} to {max(speeds):.3g}"
    )
    return low, high, f"{words} a second = {low:.3g} to {high:.3g}"


def output_tokens(run: RunEvidence) -> Span | None:
    """Mean output tokens a sample: stated, or from what is stated."""
    if run.mean_output_tokens:
        return run.mean_output_tokens
    if run.output_tokens and run.samples.completed:
        return run.output_tokens / run.samples.completed
    if run.tokens_per_s and run.samples_per_s and run.samples_per_s.low > 0:
        found = run.tokens_per_s / run.samples_per_s
        count = run.samples.completed or 0
        # LoadGen's rate of samples leaves the first or last one out in some scenarios, its rate of tokens doesn't.
        return Span(found.value, found.low * (count - 1) / count, found.high) if count > 1 else found
    return None


def _workload(run: RunEvidence, *, least: bool) -> Workload:
    """Tokens a sample. With `least`, the fewest that the evidence allows, for a ceiling must not be too low."""
    dataset = run.dataset or dataset_facts(run.benchmark)
    count = run.samples.completed or 0
    if count < _ENOUGH_FOR_A_MEAN:
        dataset = None  # a few samples may be the shortest
    whole = dataset is not None and count >= _SHARE_OF_SET * dataset.samples
    out = output_tokens(run)
    input_tokens = run.mean_input_tokens.low if run.mean_input_tokens else 0.0
    tokens = (out.low if least else out.value) if out else 0.0
    if dataset:
        use_mean = not least and whole
        input_tokens = input_tokens or (dataset.mean_input_tokens if use_mean else dataset.least_input_tokens)
        tokens = tokens or (dataset.mean_output_tokens if use_mean else dataset.least_output_tokens)
    return Workload(
        input_tokens=max(input_tokens, 0.0),
        output_tokens=max(tokens, 1.0),
        precision=run.precision,
        cached_input=run.cached_input,
        speculative_tokens=run.speculative_tokens or 1.0,
    )
