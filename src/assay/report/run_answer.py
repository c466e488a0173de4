"""What a run's page says first: the sentences that answer what the run was made for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from assay.analysis.finding import UNKNOWN
from assay.analysis.listing import names
from assay.analysis.nodes import NodePart, Symmetry
from assay.analysis.run import RunAnalysis, measures_speed
from assay.analysis.statistics import Estimate
from assay.analysis.summary import shaped_by_client
from assay.analysis.verdict import UNFINISHED
from assay.analysis.whole_time import whole_time_of_run
from assay.benchmarks import Benchmark
from assay.report import format as fmt
from assay.report.accuracy import percentages, score_words
from assay.report.arrivals import arrivals
from assay.report.client_shaped import not_the_servers
from assay.report.enough_samples import samples_it_takes
from assay.report.lacking import lacking_words
from assay.report.limits import LATENCIES, UNSHOWN, held_beside, held_if_known, held_limits, kept_words
from assay.report.plausibility import REFUSED
from assay.report.whole_time import whole_time_words
from assay.runs.ledger import Ledger
from assay.runs.record import RunRecord
from assay.runs.result import Figure, Result

_IN_SECONDS_MS = 10_000
_MOST_CAUSES = 2
_LATENCIES = ("ttft_ns", "tpot_ns")


def run_answer(analysis: RunAnalysis, *, refused: bool) -> list[str]:
    """The sentences, the most wanted first. `refused`: the audit forbids to state the result."""
    if refused:
        return [f"No number of this run is reportable: {REFUSED.partition(': ')[2]}."]
    if analysis.samples is None:
        return [_why_nothing(analysis), *ended(analysis.record), *_answered(analysis.ledger)]
    said = _accuracy(analysis) if analysis.record.mode == "accuracy" else [*_speed(analysis), *arrivals(analysis)]
    if analysis.record.mode == "performance" and shaped_by_client([analysis.result]):
        said.append(not_the_servers("these figures"))
    if analysis.nodes is not None:
        said += slow_nodes(analysis.nodes)
    return [*said, *whole_time_words(whole_time_of_run(analysis)), *_answered(analysis.ledger)]


def _why_nothing(analysis: RunAnalysis) -> str:
    """Why there is no number."""
    record, result = analysis.record, analysis.result
    if record.status in UNFINISHED:
        reason = f": {record.reason.splitlines()[0].rstrip('.')}" if record.reason else ""  # then come ends of logs
        return f"There is no result of this run, because it {UNFINISHED[record.status]}{reason}."
    return f"There is no result of this run: {'; '.join(result.verdict.reasons) or result.verdict.words}."


def ended(record: RunRecord) -> Iterator[str]:
    """When a run that has no result ended, and how long after it began."""
    if record.status in UNFINISHED and record.ended_utc is not None:
        begun, end = (datetime.fromisoformat(text) for text in (record.started_utc, record.ended_utc))
        lasted = fmt.duration((end - begun).total_seconds())
        yield f"It ended {fmt.moment(record.ended_utc)}, {lasted} after it began."


def _answered(ledger: Ledger | None) -> Iterator[str]:
    if ledger is not None:
        yield from answered([ledger])


def answered(ledgers: Sequence[Ledger]) -> Iterator[str]:
    """What became of all samples of some runs; nothing where the count of one doesn't balance."""
    issued, completed, failed, lost = (
        sum(getattr(ledger, count) for ledger in ledgers) for count in ("issued", "completed", "failed", "lost")
    )
    of_runs = f" of {len(ledgers)} runs" if len(ledgers) > 1 else ""
    if failed + lost:
        yield (
            f"{fmt.number(completed)} of {fmt.count(issued, 'sample')}{of_runs} were answered; "
            f"{fmt.number(failed)} failed, {fmt.number(lost)} lost."
        )
    elif not issued:
        yield "No sample was issued."
    elif all(ledger.balanced for ledger in ledgers):
        yield f"All {fmt.count(issued, 'sample')}{of_runs} were answered."


def speed(record: RunRecord, result: Result, benchmark: Benchmark, where: str = "", came: str = "") -> list[str]:
    """How fast, in the words of the scenario, and then the latencies of a load that was given; sentences without their
    full stops. `where`: the nodes' names; `came`: of how many requests that is the rate."""
    if record.scenario == "SingleStream":
        return [f"One after another, {_percentile(result, 'latency_ns', 'p90')} or less for 90 % of the samples"]
    on = where or fmt.count(len({node for endpoint in record.endpoints for node in endpoint.machines}), "node")
    if lacking := lacking_words(result):
        on += f" ({lacking})"
    if record.shape is None and measures_speed(record):
        return [f"{on}: {rates(result)}{came}"]
    limits = held_limits(benchmark, record)
    kept = kept_words(result, limits)
    few = [samples_it_takes([result], limits)] if held_if_known([result], limits) == UNSHOWN else []
    first = f"{on}, {_load(record)}: {rates(result)}{came}{kept and f'; {kept}'}"
    return [first, _tails(record, result, benchmark), *few]


def _speed(analysis: RunAnalysis) -> list[str]:
    return [f"{words}." for words in speed(analysis.record, analysis.result, analysis.benchmark)]


def rates(result: Result) -> str:
    """Tokens and samples a second, the first with its interval."""
    tokens, samples = result.figures.get("output_tokens_per_s"), result.figures["samples_per_s"]
    return rates_words(tokens, samples, result.unanswered_words)


def rates_words(tokens: Figure | Estimate | None, samples: Figure | Estimate, unanswered: str) -> str:
    """The same of any two rates. `unanswered`: what they lack, without which they would be taken for a speed."""
    lacking = f", with {unanswered}" if unanswered else ""
    if tokens is None:
        return fmt.rate(samples.value, "samples/s", samples.low, samples.high) + lacking
    words = fmt.rate(tokens.value, "output tokens/s", tokens.low, tokens.high)
    return f"{words}, {fmt.number(samples.value)} samples/s{lacking}"


def _load(record: RunRecord) -> str:
    if record.shape is not None:
        return record.shape.title
    asked = f"{fmt.number(record.target_qps)} samples/s asked for" if record.target_qps else "under the load given"
    return f"{record.scenario}, {asked}"


def _tails(record: RunRecord, result: Result, benchmark: Benchmark) -> str:
    """The 99th percentiles, each with the user's or the scenario's limit where there is one."""
    limits = held_limits(benchmark, record)
    found = []
    for key in dict.fromkeys((*_LATENCIES, *limits)):
        value = result.latency.get(key)
        if value is None:
            continue
        held = held_beside(value, limits.get(key))
        found.append(f"{LATENCIES[key]} p99 {_percentile(result, key, 'p99')}{held}")
    return "; ".join(found) or "Latency not measured"


def _percentile(result: Result, key: str, share: str) -> str:
    value = result.latency.get(key)
    if value is None:
        return fmt.NOT_MEASURED
    at_ms, bounds = getattr(value, share) / 1e6, fmt.percentile_interval(value, share)
    if at_ms < _IN_SECONDS_MS:
        return fmt.measured(at_ms, "ms", *bounds)
    return fmt.measured(at_ms / 1e3, "s", *(None if bound is None else bound / 1e3 for bound in bounds))


def _accuracy(analysis: RunAnalysis) -> list[str]:
    """The gate with the first score, then the other scores that are shares of what is possible."""
    accuracy = analysis.result.accuracy
    if accuracy is None:
        return ["The answers weren't scored."]
    scores = [score_words(name, score, analysis.benchmark) for name, score in percentages(accuracy).items()]
    first, others = scores[:1], scores[1:]
    return ["; ".join([f"Quality gate: {accuracy.gate}", *first]) + ".", *([f"{', '.join(others)}."] if others else [])]


def _where(slow: NodePart, whose: str) -> str:
    """In which part of a sample's time a node falls behind: a queue delays first tokens alone, slow steps all."""
    ttft, pace = slow.first_token, slow.pace
    if ttft is None or pace is None:
        return ""
    told = (
        f"; its mean TTFT from sending is {fmt.times(ttft.ratio, ttft.low, ttft.high)} {whose}, "
        f"its mean TPOT {fmt.times(pace.ratio, pace.low, pace.high)}"
    )
    alike = pace.low is not None and pace.high is not None and pace.low <= 1 <= pace.high
    before = ": it loses its time before the first token" if alike and ttft.low is not None and ttft.low > 1 else ""
    return f"{told}{before}"


def slow_nodes(symmetry: Symmetry) -> list[str]:
    """Which nodes are slower than the others and, as far as it is known, why; nothing where none is."""
    slow = sorted((fact for fact in symmetry.nodes if fact.slower), key=lambda fact: fact.speed_ratio or 0.0)
    if not slow:
        return []
    worst, others = slow[0], [fact.node for fact in symmetry.nodes if fact is not slow[0]]
    whom, whose = (others[0], "the other's") if len(others) == 1 else ("the others' median", "the others'")
    causes = [*worst.causes, *worst.differences][:_MOST_CAUSES]
    why = f"likely why: {'; '.join(causes)}" if causes else f"why is {UNKNOWN}{_where(worst, whose)}"
    speed = fmt.times(worst.speed_ratio, worst.speed_low, worst.speed_high)
    told = f"{worst.node} is {speed} as fast as {whom}; {why}."
    if len(slow) > 1:
        which = names([fact.node for fact in slow])
        told = f"{len(slow)} of {len(symmetry.nodes)} nodes are slower than the others ({which}); the slowest, {told}"
    return [told]
