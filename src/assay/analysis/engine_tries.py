"""What a search through an engine's settings found: every try, the finalists against the default, and the answer.

A try is one setup of the servers with one window. Two starts of the same server differ by more than a run's own noise
tells, so finalists are measured on several starts, and an interval here is over those.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.engine_ahead import Ahead
from assay.analysis.engine_answers import Agreement
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
Outcome = Literal["better", "no difference shown", "answers worse", "not compared"]


class MemoryShares(BaseModel):
    """What a server takes of its fullest accelerator."""

    model_config = ConfigDict(extra="forbid")

    weights: float = Field(description="share of the accelerator's memory")
    kv_cache: float = Field(description="share of the accelerator's memory")
    kv_cache_tokens: int | None = Field(description="that the cache has room for")

    @property
    def both(self) -> float:
        return self.weights + self.kv_cache


class Try(BaseModel):
    """One setup with one window, as far as it got."""

    model_config = ConfigDict(extra="forbid")

    name: str
    settings: dict[str, Any] = Field(description="engine options that aren't the configuration's")
    servers: int | None = Field(description="on each node; null: as configured")
    window: int | None = Field(description="requests in flight at an endpoint; null: the engine's own")
    default: bool = Field(description="it is the configuration as it is")
    stage: Stage = Field(description="how far it got")
    rates: dict[Stage, Value] = Field(
        default_factory=dict, description="of what is searched for, in each stage, over its starts"
    )
    starts: int = Field(default=0, description="server starts that the last stage's rate is over")
    confirmed: int | None = Field(
        default=None, description="of those, how many a run at the rate found confirmed; null: rates aren't searched"
    )
    start_s: float | None = Field(default=None, description="what a start of its slowest server took, s, in the mean")
    memory: MemoryShares | None = Field(default=None, description="null: the engine or the node doesn't tell")
    reason: str = Field(default="", description="why it has no rate in its last stage")
    runs: list[str] = Field(default_factory=list)

    @property
    def key(self) -> Key:
        """That of its runs, as `key_of` has it."""
        return str(sorted(self.settings.items())), self.servers, self.window

    @property
    def rate(self) -> Value | None:
        """In the stage that it got to."""
        return self.rates.get(self.stage)


class Against(BaseModel):
    """A finalist's rate over the default's, over server starts; the intervals of all finalists hold together."""

    model_config = ConfigDict(extra="forbid")

    name: str
    ratio: float
    low: float | None
    high: float | None


class AnswerScores(BaseModel):
    """The best try's answers against the default's: one metric of the benchmark's scorer."""

    model_config = ConfigDict(extra="forbid")

    metric: str
    default: float
    low: float | None = Field(description="of the default's 95 % interval; null: there is none")
    high: float | None
    best: float

    @property
    def worse(self) -> bool:
        """Below all that the default's own interval holds."""
        return self.low is not None and self.best < self.low

    @property
    def judged(self) -> bool:
        """Whether it is known to be worse or not."""
        return self.low is not None or self.best >= self.default


class Tuned(BaseModel):
    """The whole search."""

    model_config = ConfigDict(extra="forbid")

    objective: EngineObjective = Field(default="offline", description="what the rates are of")
    limits: list[str] = Field(default_factory=list, description="what a highest rate keeps, in words")
    tries: list[Try] = Field(description="in the order in which they were begun")
    against: list[Against] = Field(description="the finalists', the highest first")
    best: str | None = Field(description="name of the finalist that beats the default; null: none does")
    scores: list[AnswerScores] = Field(description="of the best against the default; empty: not measured")
    ahead: Ahead | None = Field(default=None, description="what more nodes may give; null: no law is known")
    agreement: Agreement | None = Field(default=None, description="of the best's tokens with the default's")
    outcome: Outcome

    @property
    def default(self) -> Try | None:
        return next((one for one in self.tries if one.default), None)

    def named(self, name: str | None) -> Try | None:
        return next((one for one in self.tries if one.name == name), None)


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
    if state.rate_search is None:
        return tuned(state.runs, results, seen)
    found = tuned(state.runs, results, seen, start_rates(folder, state))
    return found.model_copy(update={"limits": [limit.title for limit in state.rate_search.limits]})


def tuned(
    entries: Sequence[RunEntry],
    results: Iterable[Result],
    seen: Mapping[str, Seen] | None = None,
    starts: Mapping[StartKey, StartRate] | None = None,
) -> Tuned:
    """What a tune-engine campaign's runs say, as far as they got.

    Args:
        entries: of the plan.
        results: of its runs.
        seen: must hold the final runs where rates are those of runs: a result doesn't tell what of its rate's error
            starts have in common, such as the client's own.
        starts: the rate that each start keeps; None: rates are those of runs, output tokens/s.
    """
    known = _Known({result.run: result for result in results}, seen or {}, starts)
    groups: dict[Key, list[RunEntry]] = {}
    for entry in entries:
        if entry.stage is not None:
            groups.setdefault(key_of(entry), []).append(entry)
    tries = [_try(own, known) for own in groups.values()]
    against = _against(tries, {one.name: own for one, own in zip(tries, groups.values(), strict=True)}, known)
    beaten = [one for one in against if one.low is not None and one.low > 1]
    best = beaten[0].name if beaten else None
    scores = _scores(entries, known.of_run, next((one for one in tries if one.name == best), None))
    return Tuned(
        objective="offline" if starts is None else "highest-rate",
        tries=tries,
        against=against,
        best=best,
        scores=scores,
        outcome=_outcome(against, best, scores),
    )


@dataclass(frozen=True)
class _Known:
    """What runs gave: `tuned`'s arguments."""

    of_run: Mapping[str, Result]
    seen: Mapping[str, Seen]
    starts: Mapping[StartKey, StartRate] | None

    def rates(self, entries: Iterable[RunEntry]) -> list[Estimate]:
        """Of runs of one try in one stage: one a server start."""
        if self.starts is not None:
            return [rate for one in self.searched(entries) if (rate := one.rate) is not None]
        return [rate for entry in entries if (rate := self._rate(entry)) is not None]

    def problems(self, entries: Iterable[RunEntry]) -> list[str]:
        """Why they give no rate."""
        if self.starts is not None:
            return [one.why for one in self.searched(entries) if one.why]
        return [words for entry in entries if (words := problem_of(entry, self.of_run.get(entry.run or "")))]

    def searched(self, entries: Iterable[RunEntry]) -> list[StartRate]:
        """What the searches on their starts came to."""
        return [self.starts[key] for key in on_starts(entries) if self.starts is not None and key in self.starts]

    def _rate(self, entry: RunEntry) -> Estimate | None:
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
        name=setup_words(first.settings, first.servers, first.window),
        settings=first.settings,
        servers=first.servers,
        window=first.window,
        default=first.as_configured and first.window is None,
        stage=first.stage or "short",
        start_s=_start_s(entries, seen),
        memory=next((one.memory for entry in entries if (one := seen.get(entry.run or "")) and one.memory), None),
        runs=[entry.run for entry in entries if entry.run],
    )
    for stage in dict.fromkeys(entry.stage for entry in entries if entry.stage):
        own = [entry for entry in entries if entry.stage == stage]
        problems = known.problems(own)
        found.stage, found.reason = stage, problems[0] if problems else ""
        rates = known.rates(own)
        found.starts = len(rates)
        if known.starts is not None:
            found.confirmed = sum(one.confirmed for one in known.searched(own))
        if rates and not problems:
            pooled = rates[0] if len(rates) == 1 else over_repeats(rates)
            found.rates[stage] = Value(value=pooled.value, low=pooled.low, high=pooled.high)
    return found


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
    default, own = known.get((str([]), None, None)), known.get(best.key)
    if default is None or own is None:
        return []
    return [
        AnswerScores(metric=name, default=score.value, low=score.low, high=score.high, best=own.scores[name].value)
        for name, score in default.scores.items()
        if score.in_percent and name in own.scores
    ]


def _outcome(against: Sequence[Against], best: str | None, scores: Sequence[AnswerScores]) -> Outcome:
    if not against:
        return "not compared"
    if best is None:
        return "no difference shown"
    return "answers worse" if any(score.worse for score in scores) else "better"
