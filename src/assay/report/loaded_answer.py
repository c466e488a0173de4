"""What a page says of one load, over all runs of it: its rate, and its latencies against their limits."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.campaign import Group
from assay.analysis.loads import percentile_over
from assay.analysis.run import measures_speed
from assay.benchmarks import Benchmark
from assay.report import format as fmt
from assay.report.limits import LATENCIES, UNSHOWN, held_beside, held_limits, held_words
from assay.report.run_answer import rates_words
from assay.report.run_view import ms
from assay.runs.result import Distribution, Result

_JUDGED = {"SingleStream": (("latency_ns", "p90"),)}
_USUAL = (("ttft_ns", "p99"), ("tpot_ns", "p99"))


def by_latency(group: Group) -> bool:
    """Whether its latencies are what was learnt: the rate is the load's own, or one sample's time is asked for."""
    return not measures_speed(group.first.record) or group.first.entry.scenario in _JUDGED


def rate_words(group: Group) -> str:
    """Tokens and samples a second, the first with its interval."""
    tokens = group.tokens_per_s
    return rates_words(tokens if tokens.value > 0 else None, group.samples_per_s, group.unanswered)


def tail_words(group: Group) -> str:
    """Each latency's 99th percentile, of repeats the highest, which it says."""
    found = []
    for key, name in (("ttft_ns", "TTFT"), ("tpot_ns", "TPOT")):
        values = [line.result.latency[key].p99 for line in group.lines if key in line.result.latency]
        if values:
            found.append(f"{name} {fmt.ms(max(values))} ms")
    among = f", the highest of {len(group.lines)} runs" if len(group.lines) > 1 else ""
    return f"{' and '.join(found)} there at the 99th percentile{among}" if found else "latency not measured"


def latency_words(group: Group, benchmark: Benchmark) -> str:
    """The percentiles that the scenario is judged by, with their limits; of several runs their mean and spread."""
    results = [line.result for line in group.lines]
    limits = held_limits(benchmark, group.first.record)
    wanted = dict(_JUDGED.get(group.first.entry.scenario, _USUAL)) | dict.fromkeys(limits, "p99")
    found = [_percentile(results, key, share, limits.get(key)) for key, share in wanted.items()]
    return "; ".join(words for words in found if words) or "latency not measured"


def valid_words(group: Group) -> str:
    """In how many of several runs LoadGen says VALID; empty where it judged none."""
    verdicts = [line.result.loadgen.result for line in group.lines]
    if len(verdicts) == 1 or not all(verdicts):
        return ""
    return f"LoadGen says VALID in {verdicts.count('VALID')} of {len(verdicts)}"


def _percentile(results: Sequence[Result], key: str, share: str, limit_ns: int | None) -> str:
    known = [value for result in results if (value := result.latency.get(key)) is not None]
    mean = percentile_over(results, key, share)
    if mean is None:
        return ""
    at_ms = [getattr(value, share) / 1e6 for value in known]
    words = f"{LATENCIES[key]} {share} {fmt.measured(mean.value / 1e6, 'ms', ms(mean.low), ms(mean.high))}"
    if len(known) > 1:
        words += f", {fmt.number(min(at_ms))} to {fmt.number(max(at_ms))} ms between the runs"
    return words if limit_ns is None else f"{words}{_held(known, limit_ns)}"


def _held(values: Sequence[Distribution], limit_ns: int) -> str:
    """In how many runs the percentile keeps its limit."""
    if len(values) == 1:
        return held_beside(values[0], limit_ns)
    held = [held_words(value, limit_ns) for value in values]
    if set(held) == {UNSHOWN}:  # "within it in none" would read as a limit that is broken
        return f", of {fmt.ms(limit_ns)} ms allowed"
    limit = f"the limit of {fmt.ms(limit_ns)} ms"
    words = f", within {limit} in {held.count('within')} of {len(held)} runs"
    words += f", above it in {held.count('above')}" if "above" in held else ""
    return words + (f", not shown in {held.count(UNSHOWN)} for too few samples" if UNSHOWN in held else "")
