"""What a search through an engine's settings found: every try, the finalists against the default, and the answer.

A try is one setup of the servers with one window. Two starts of the same server differ by more than a run's own noise
tells, so finalists are measured on several starts, and an interval here is over those.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.analysis.engine_front import Front, Measured, front_of, mean_rate, measured
from assay.analysis.engine_models import Against, AnswerScores, MemoryShares, Outcome, Try, Tuned
from assay.analysis.engine_rates import Key, StartKey, StartRate, key_of, on_starts, start_rates
from assay.analysis.figures import estimate_of
from assay.analysis.loads import Value
from assay.analysis.rates import timing_error_ns, token_rate
from assay.analysis.samples import Samples
from assay.analysis.statistics import CONFIDENCE, Estimate, over_repeats, ratio
from assay.analysis.summary import run_samples
from assay.runs.campaign import CampaignFolder, CampaignState, EngineObjective, RunEntry, Stage
from assay.runs.reading import read_record
from assay.runs.record import RunRecord, RunStatus
from assay.runs.result import Result
from assay.runs.setups import setup_words
from assay.runs.system import SystemRecord

FEWEST_STARTS = 3
"""Below it the spread between starts isn't known."""
RATE = "output_tokens_per_s"


def memory_shares(record: RunRecord, system: Mapping[str, Any]) -> MemoryShares | None:
    """Of the endpoint that takes most of its accelerator; None where the engine or the node doesn't tell."""
    facts = SystemRecord.model_validate(system).nodes if system else []
    totals = {
        node.name: min(known)
        for node in facts
        if (known := [card.memory_total_bytes for card in node.accelerators if card.memory_total_bytes])
    }
    shares = [
        MemoryShares(
            weights=told.weights_bytes / totals[endpoint.node],
            kv_cache=told.kv_cache_bytes / totals[endpoint.node],
            kv_cache_tokens=told.kv_cache_tokens,
        )
        for endpoint in record.endpoints
        if (told := endpoint.memory) is not None and endpoint.node in totals
    ]
    return max(shares, key=lambda share: share.both, default=None)


@dataclass(frozen=True)
class Seen:
    """What more than its result is known of a run."""

    rate: Estimate | None
    """Output tokens/s, from its samples."""
    ready_s: float | None = None
    """What the start of the slowest server under it took."""
    memory: MemoryShares | None = None
    servers: int | None = None
    """Those that took part in it."""


def final_rates(folder: CampaignFolder, entries: Iterable[RunEntry]) -> dict[str, Seen]:
    """The rates of a search's final runs that completed, from their samples, by the run."""
    found = {}
    for entry in entries:
        if entry.stage == "final" and entry.run is not None and entry.status is RunStatus.COMPLETED:
            run = folder.run(entry.run)
            record = read_record(run)
            samples = run_samples(run, record)
            rate = None if samples is None or not len(samples) or not samples.counted else run_rate(samples, record)
            found[entry.run] = Seen(rate)
    return found


def run_rate(samples: Samples, record: RunRecord) -> Estimate:
    """A run's output tokens/s."""
    return token_rate(samples, timing_error_ns=timing_error_ns(samples, record.client))


def tuned_in(folder: CampaignFolder, state: CampaignState, results: Iterable[Result]) -> Tuned:
    """What a tune-engine campaign's runs say, from the files in its folder. Raises UserError for a damaged one."""
    searched = state.objective == "highest-rate"
    return tuned_from(folder, state, results, {} if searched else final_rates(folder, state.runs))


def tuned_from(
    folder: CampaignFolder, state: CampaignState, results: Iterable[Result], seen: Mapping[str, Seen]
) -> Tuned:
    """The same, by who has looked at its runs. Raises UserError for a damaged one."""
    starts = None if state.rate_search is None else start_rates(folder, state)
    found = tuned(state.runs, results, seen, starts, state.objective)
    if state.rate_search is not None:
        found.limits = [limit.title for limit in state.rate_search.limits]
    if found.front is not None:
        found.front.accelerators = _accelerators(folder, state)
    return found


def _accelerators(folder: CampaignFolder, state: CampaignState) -> int | None:
    """Of the system: every setup has the same ones. None: not known."""
    last = next(entry.run for entry in reversed(state.runs) if entry.stage == "final" and entry.run)
    return sum(len(endpoint.accelerators) for endpoint in read_record(folder.run(last)).endpoints) or None


def tuned(
    entries: Sequence[RunEntry],
    results: Iterable[Result],
    seen: Mapping[str, Seen] | None = None,
    starts: Mapping[StartKey, StartRate] | None = None,
    objective: EngineObjective = "offline",
) -> Tuned:
    """What a tune-engine campaign's runs say, as far as they got.

    Args:
        entries: of the plan.
        results: of its runs.
        seen: must hold the final runs where rates are those of runs: a result doesn't tell what of its rate's error
            starts have in common, such as the client's own.
        starts: the highest rate that each start keeps, where those are searched.
        objective: what the campaign searches for.
    """
    known = _Known({result.run: result for result in results}, seen or {}, starts, objective)
    groups: dict[Key, list[RunEntry]] = {}
    for entry in entries:
        if entry.stage is not None:
            groups.setdefault(key_of(entry), []).append(entry)
    tries = [_try(own, known) for own in groups.values()]
    of_try = {one.name: own for one, own in zip(tries, groups.values(), strict=True)}
    against = _against(tries, of_try, known)
    beaten = [one.name for one in against if one.low is not None and one.low > 1]
    front = _front(tries, of_try, known) if objective == "pareto" and against else None
    best = front.dominating if front is not None else next(iter(beaten), None)
    scores = _scores(entries, known.of_run, next((one for one in tries if one.name == best), None))
    return Tuned(
        objective=objective, tries=tries, against=against, best=best, front=front, scores=scores,
        outcome=_outcome(against, best, front, scores),
    )  # fmt: skip


def _front(tries: Sequence[Try], entries: Mapping[str, Sequence[RunEntry]], known: _Known) -> Front:
    """Of the tries that have final rates, the default among them."""
    default = next(one.name for one in tries if one.default)
    finals = {
        one.name: known.points([entry for entry in entries[one.name] if entry.stage == "final"])
        for one in tries
        if "final" in one.rates
    }
    return front_of(finals, default)


@dataclass(frozen=True)
class _Known:
    """What runs gave: `tuned`'s arguments."""

    of_run: Mapping[str, Result]
    seen: Mapping[str, Seen]
    starts: Mapping[StartKey, StartRate] | None
    objective: EngineObjective

    def rates(self, entries: Iterable[RunEntry]) -> list[Estimate]:
        """Of runs of one try in one stage: one a server start."""
        if self.starts is not None:
            return [rate for one in self.searched(entries) if (rate := one.rate) is not None]
        runs = on_starts(entries).values()
        found = [[rate for entry in own if (rate := self.rate(entry)) is not None] for own in runs]
        return [mean_rate(rates) for rates, own in zip(found, runs, strict=True) if len(rates) == len(own)]

    def points(self, entries: Iterable[RunEntry]) -> list[Measured]:
        """Of runs of one try in one stage, with each number in flight."""
        return measured(entries, self.of_run, self.rate)

    def problems(self, entries: Iterable[RunEntry]) -> list[str]:
        """Why they give no rate."""
        if self.starts is not None:
            return [one.why for one in self.searched(entries) if one.why]
        return [words for entry in entries if (words := problem_of(entry, self.of_run.get(entry.run or "")))]

    def searched(self, entries: Iterable[RunEntry]) -> list[StartRate]:
        """What the searches on their starts came to."""
        return [self.starts[key] for key in on_starts(entries) if self.starts is not None and key in self.starts]

    def rate(self, entry: RunEntry) -> Estimate | None:
        """Output tokens/s of a run."""
        result = self.of_run.get(entry.run or "")
        if entry.status is None or result is None or problem_of(entry, result):
            return None
        more = self.seen.get(result.run)
        return more.rate if more is not None and more.rate is not None else estimate_of(result.figures[RATE])


def problem_of(entry: RunEntry, result: Result | None) -> str:
    """Why a run gives no rate; empty where it does, or isn't over."""
    if entry.status is None:
        return ""
    if entry.status is not RunStatus.COMPLETED:
        return entry.reason.partition("\n")[0] or str(entry.status)
    if result is None or RATE not in result.figures:
        return "its output tokens/s isn't known"
    return result.unanswered_words  # a setup that loses answers is faster by the work that it didn't do


def _try(entries: Sequence[RunEntry], known: _Known) -> Try:
    first, seen = entries[0], known.seen
    found = Try(
        name=setup_words(first.settings, first.servers, first.window, first.server_nodes),
        settings=first.settings,
        servers=first.servers,
        server_nodes=first.server_nodes,
        window=first.window,
        default=first.as_configured and first.window is None,
        stage=first.stage or "short",
        start_s=_start_s(entries, seen),
        memory=next((one.memory for entry in entries if (one := seen.get(entry.run or "")) and one.memory), None),
        servers_in_all=next((one.servers for entry in entries if (one := seen.get(entry.run or ""))), None),
        runs=[entry.run for entry in entries if entry.run],
    )
    for stage in dict.fromkeys(entry.stage for entry in entries if entry.stage):
        own = [entry for entry in entries if entry.stage == stage]
        problems = known.problems(own)
        found.stage, found.reason = stage, problems[0] if problems else ""
        rates = known.rates(own)
        found.starts = len(rates)
        if known.objective == "pareto":
            found.points[stage] = [one.point for one in known.points(own)]
        if known.starts is not None:
            found.confirmed = sum(one.confirmed for one in known.searched(own))
        if rates and not problems:
            found.rates[stage] = _over_starts(rates, stage)
    return found


def _over_starts(rates: Sequence[Estimate], stage: Stage) -> Value:
    """Earlier stages have the interval of one run's noise; one start tells nothing of a final rate, which is of all."""
    rate = rates[0] if len(rates) == 1 else over_repeats(rates)
    if stage == "final" and len(rates) == 1:
        return Value(value=rate.value, low=None, high=None)
    return Value(value=rate.value, low=rate.low, high=rate.high)


def _start_s(entries: Iterable[RunEntry], seen: Mapping[str, Seen]) -> float | None:
    """The mean over the starts, of which each may have had several runs."""
    took = {e.start: seen[e.run].ready_s for e in entries if e.run is not None and e.run in seen}
    known = [seconds for seconds in took.values() if seconds is not None]
    return sum(known) / len(known) if known else None


def _against(tries: Sequence[Try], entries: Mapping[str, Sequence[RunEntry]], known: _Known) -> list[Against]:
    """Every finalist whose final runs all have rates; none where the default's haven't."""
    finals = {
        one.name: known.rates([entry for entry in entries[one.name] if entry.stage == "final"])
        for one in tries
        if "final" in one.rates
    }
    default = next((finals[one.name] for one in tries if one.default and one.name in finals), [])
    others = [one for one in tries if one.name in finals and not one.default]
    if len(default) < FEWEST_STARTS or not others:
        return []
    base = over_repeats(default)
    confidence = 1 - (1 - CONFIDENCE) / len(others)
    found = []
    for one in others:
        rates = finals[one.name]
        quotient = ratio(over_repeats(rates), base)
        low, high = (quotient.interval_at(confidence) if len(rates) >= FEWEST_STARTS else None) or (None, None)
        if math.isfinite(quotient.value):
            found.append(Against(name=one.name, ratio=quotient.value, low=low, high=high))
    return sorted(found, key=lambda one: -one.ratio)


def _scores(entries: Sequence[RunEntry], of_run: Mapping[str, Result], best: Try | None) -> list[AnswerScores]:
    """Of the accuracy runs of both, each metric that is a share of what is possible."""
    if best is None:
        return []
    runs = [entry for entry in entries if entry.mode == "accuracy" and entry.status is RunStatus.COMPLETED]
    known = {
        key_of(entry): result.accuracy
        for entry in runs
        if (result := of_run.get(entry.run or "")) is not None and result.accuracy is not None
    }
    default, own = known.get((str([]), None, None, None)), known.get(best.key)
    if default is None or own is None:
        return []
    return [
        AnswerScores(metric=name, default=score.value, low=score.low, high=score.high, best=own.scores[name].value)
        for name, score in default.scores.items()
        if score.in_percent and name in own.scores
    ]


def _outcome(
    against: Sequence[Against], best: str | None, front: Front | None, scores: Sequence[AnswerScores]
) -> Outcome:
    if not against:
        return "not compared"
    if best is None:
        if front is not None and front.shown:
            return "depends on the pace"
        slower = all(one.high is not None and one.high < 1 for one in against)
        return "default is best" if (slower if front is None else front.default_best) else "no difference shown"
    return "answers worse" if any(score.worse for score in scores) else "better"
