"""What measured runs show that must be mended before more measuring tells more, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from assay.analysis.advice import Mend, limits_missed, mends
from assay.analysis.listing import names
from assay.analysis.summary import shaped_by_client
from assay.benchmarks import ScenarioSpec
from assay.report import format as fmt
from assay.report.next_step import run_again, tune
from assay.runs.record import RunRecord
from assay.runs.result import Result
from assay.runs.scenarios import Scenario

_SEARCHED = ("Server", "Interactive")
_ENOUGH = "as many samples as a bound of the limited latencies takes"
IDLE_CORES = "give the load generator idle cores, or a machine of its own, so that"


@dataclass(frozen=True)
class Measured:
    """A run with a result."""

    record: RunRecord
    result: Result


def mended_first(
    runs: Sequence[Measured],
    scenarios: Mapping[Scenario, ScenarioSpec],
    enough: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[str]:
    """The steps; `scenarios` are the benchmark's, `enough` the settings that give samples enough for the limits."""
    yield from _unanswered([run.result for run in runs])
    over = [run for run in runs if _over_limits(run, scenarios)]
    invalid = [run for run in runs if run.result.loadgen.result == "INVALID" and run not in over]
    found = [mend for run in invalid for mend in _asked(run, scenarios)]
    found += [Mend("", _ENOUGH, setting, value) for setting, value in enough.items()]
    yield from _client([run.result for run in runs if run.record.mode == "performance"], found)
    for scenario in dict.fromkeys(run.record.scenario for run in over):
        why = f"search the highest rate within {scenario}'s limits, which were not kept at this one"
        yield tune(why, "rate", "--scenario", scenario)
    yield from _asked_by_loadgen(found)
    part = next((own for run in runs if (own := run.record).mode == "accuracy" and _partly(own)), None)
    if part is not None:
        why = f"all {fmt.count(part.dataset_samples, 'sample')}, so that the scores can be compared"
        yield run_again(why, "dataset.samples=null")


def _unanswered(results: Sequence[Result]) -> Iterator[str]:
    """Endpoints that gave nothing, else samples that got nothing: the figures are those of the others."""
    silent = dict.fromkeys(name for result in results for name in result.silent)
    stopped = dict.fromkeys(name for result in results for name in result.stopped if name not in silent)
    ends = [(silent, "answered nothing"), (stopped, "stopped answering")]
    gone = [f"{names(list(found))} {what}" for found, what in ends if found]
    if gone:
        yield run_again(f"find out why {' and '.join(gone)}, and measure again")
    missed = sum(_samples(result, "failed") + _samples(result, "lost") for result in results)
    if missed:
        of = fmt.count(sum(_samples(result, "issued") for result in results), "sample")
        yield run_again(f"find out why {fmt.number(missed)} of {of} got no answer, and measure again")


def _samples(result: Result, what: str) -> int:
    figure = result.figures.get(f"samples_{what}")
    return 0 if figure is None else round(figure.value)


def _client(results: Sequence[Result], found: Sequence[Mend]) -> Iterator[str]:
    """With all else that is to be set: one run does both."""
    bound = sum(shaped_by_client([result]) for result in results)
    if bound:
        figures = "the figures are" if bound == len(results) else "all figures are"
        numbers, why = _numbers(found)
        also = f", with {why}" if numbers else ""
        yield run_again(f"{IDLE_CORES} {figures} the server's, and measure again{also}", *numbers)


def _over_limits(run: Measured, scenarios: Mapping[Scenario, ScenarioSpec]) -> bool:
    """Whether a rate was too high, by LoadGen's word or by the run's own latencies: it doesn't know Interactive's."""
    if run.record.mode != "performance" or not run.record.target_qps or run.record.scenario not in _SEARCHED:
        return False
    if run.record.slo is not None:  # the user asks for other limits than the scenario's
        return False
    spec, latency = scenarios.get(run.record.scenario), run.result.latency
    limits = {} if spec is None else {"ttft_ns": spec.ttft_limit_ns, "tpot_ns": spec.tpot_limit_ns}
    own = (latency[name].p99 > limit for name, limit in limits.items() if limit is not None and name in latency)
    return limits_missed(run.result.loadgen) or any(own)


def _asked(run: Measured, scenarios: Mapping[Scenario, ScenarioSpec]) -> Iterator[Mend]:
    return mends(run.result.loadgen, run.record, scenarios.get(run.record.scenario))


def _asked_by_loadgen(found: Sequence[Mend]) -> Iterator[str]:
    """All settings at once; else what has no number."""
    numbers, why = _numbers(found)
    if numbers:
        yield run_again(why, *numbers)
    elif found:
        yield f"set {names(list(dict.fromkeys(mend.words for mend in found)))}, and measure again"


def _numbers(found: Sequence[Mend]) -> tuple[list[str], str]:
    """Each setting with the number that the run asks for that asks for most, and why."""
    numbers: dict[str, float] = {}
    for mend in found:
        if mend.value is not None:
            numbers[mend.setting] = max(mend.value, numbers.get(mend.setting, 0.0))
    why = names(list(dict.fromkeys(mend.why for mend in found if mend.why)))
    return [f"{setting}={value:.15g}" for setting, value in numbers.items()], why


def _partly(record: RunRecord) -> bool:
    return record.samples < record.dataset_samples
