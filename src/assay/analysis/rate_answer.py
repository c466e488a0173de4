"""The answer of a search for a rate: the rate with its interval, what bounds it, and every run that it rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.kept_limits import Floats, criterion_of, point_of
from assay.analysis.rate_search import ProbedRun, Searched, searched
from assay.runs.campaign import CampaignFolder, CampaignState
from assay.runs.rate_search import ProbeRole, TunedScenario
from assay.runs.shapes import RateShape
from assay.runs.tail_limits import TailLimit
from assay.search import Found, Line, Spread, Stopped, line, narrowest, surely_over

Outcome = Literal["found", "stopped", "unfinished"]
ERRORS = "errors"
_MOST = 0.5
_REACH, _STEPS = 0.1, 20
"""How far the curve reaches from the rate that was found, in its logarithm, and in how many steps to each side."""
_ROUNDING = 1e-6
_MOST_NS = 2.0**63


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Tail(_Model):
    """How one run stood to one limit."""

    limit: str
    allowed: float
    share: float = Field(description="of the requests, over the limit")
    low: float = Field(description="of its 95 % interval; requests that follow each other count together")
    high: float
    value_ns: int | None = Field(description="the percentile that is limited; null: it limits several quantities")
    value_low_ns: int | None = Field(description="null: the samples can't bound it")
    value_high_ns: int | None


class Fitted(_Model):
    """How a limit moves with the rate near the one found, by the fit to all runs."""

    limit: str
    rate: float
    share: float
    low: float
    high: float
    value_ns: int | None
    value_low_ns: int | None
    value_high_ns: int | None


class RatePoint(_Model):
    """One run of the search."""

    run: str
    role: ProbeRole
    why: str
    rate: float = Field(description="arrivals a second that were asked for")
    requests: int
    errors: int
    seconds: float = Field(description="the warm-up included")
    verdict: str = Field(
        description="how it stood: over, under, so far or undecided, and of a confirming run held, failed or so far"
    )
    ended: str = Field(description="why it ended, in words")
    grew: bool = Field(
        default=False, description="over as a queue grew, which breaks every limit in time: more came than was done"
    )
    client_bound: bool = Field(
        description="the load generator could have decided how the limits were kept, against the tightest of them"
    )
    client_reasons: list[str] = Field(
        default_factory=list, description="how, in words; that its window was full is a finding of its own"
    )
    tails: list[Tail]


class RateAnswer(_Model):
    """What the search found. Rates are arrivals a second."""

    outcome: Outcome
    confirmed: bool = Field(description="a confirming run kept every limit at the rate")
    rate: float | None
    low: float | None = Field(description="of its 95 % interval; where the search stopped, by its runs' tests")
    high: float | None
    enough: int = Field(
        default=0, description="requests that would show the rate, where a run kept the limits in too few; else 0"
    )
    bound_by: str = Field(description="the limit that breaks first, client, or errors; empty: not known")
    because: str = Field(description="of a search that stopped: budget, client, …; else empty")
    why: str
    scenario: TunedScenario
    limits: list[TailLimit]
    precision: float
    seconds: float = Field(description="of all runs together")
    points: list[RatePoint]
    curve: list[Fitted] = Field(default_factory=list, description="near the rate that was found")

    @property
    def shaped(self) -> int:
        """Runs that the load generator could have shaped."""
        return sum(point.client_bound for point in self.points)

    @property
    def client_decided(self) -> bool:
        """Whether the load generator is why no surer rate was found: it bounds it, or shaped most runs."""
        return self.because == "client" or 2 * self.shaped > len(self.points)

    @property
    def against(self) -> list[RatePoint]:
        """Runs at no higher a rate than was found that broke a limit all the same, the lowest first."""
        broke = [point for point in self.points if point.verdict in ("over", "failed") and not point.client_bound]
        return sorted((p for p in broke if self.rate is not None and p.rate <= self.rate), key=lambda p: p.rate)

    @property
    def ended_early(self) -> bool:
        """Whether the interval of the rate that was found is wider than the precision that was asked for leaves it."""
        if self.rate is None or not self.low or self.high is None:
            return False
        return math.log(self.high / self.low) > (1 + _ROUNDING) * narrowest(self.precision)


def rate_answer(folder: CampaignFolder, state: CampaignState) -> RateAnswer:
    """A function of the folder's files. Raises UserError where one is damaged."""
    return answer_of(searched(folder, state))


def answer_of(found: Searched) -> RateAnswer:
    """What a search came to."""
    step, search = found.step, found.search
    answer = RateAnswer(
        outcome="unfinished", confirmed=False, rate=None, low=None, high=None, bound_by="", because="",
        why=found.why_none if step is None else step.why, scenario=search.scenario, limits=list(search.limits),
        precision=search.precision, seconds=sum(one.probe.seconds for one in found.runs) + found.start_s,
        points=[_point(one, found) for one in found.runs],
    )  # fmt: skip
    if isinstance(step, Found):
        answer.outcome, answer.confirmed = "found", step.confirmed
        answer.rate, answer.low, answer.high = step.rate, step.low, step.high
        answer.enough = step.enough
        answer.bound_by = ERRORS if _by_errors(found.runs, step.rate) else step.bound_by
        answer.curve = _curve(found, step.rate)
    elif isinstance(step, Stopped):
        answer.outcome, answer.because = "stopped", step.because
        answer.low, answer.high = _sure_of(found)
        by_errors = answer.high is not None and _by_errors(found.runs, answer.high)
        answer.bound_by = "client" if step.because == "client" else ERRORS if by_errors else ""
    return answer


def _sure_of(found: Searched) -> tuple[float | None, float | None]:
    """The highest rate at which a run's test found every limit kept, below the lowest at which one was broken."""
    told = [(one.probe.rate, _verdict(one, found)) for one in found.runs if not one.probe.client_bound]
    high = min((rate for rate, verdict in told if verdict in ("over", "failed")), default=None)
    kept = [rate for rate, verdict in told if verdict in ("under", "held") and (high is None or rate < high)]
    return max(kept, default=None), high


def _by_errors(runs: Sequence[ProbedRun], rate: float) -> bool:
    """Whether most of what broke limits from `rate` on are requests without an answer."""
    beyond = [one for one in runs if one.probe.rate >= rate and len(one.probe.of_limits)]
    over = sum(int((one.probe.of_limits > 1).any(axis=1).sum()) for one in beyond)
    return over > 0 and sum(one.errors for one in beyond) > _MOST * over


def _point(one: ProbedRun, found: Searched) -> RatePoint:
    assert one.entry.probe is not None
    taken = one.probe.of_limits
    tails = [_tail(taken, place, limit) for place, limit in enumerate(one.record.limits)]
    return RatePoint(
        run=one.entry.run or "",
        role=one.entry.probe.role,
        why=one.entry.probe.why,
        rate=one.probe.rate,
        requests=len(one.probe.of_limits),
        errors=one.errors,
        seconds=one.probe.seconds,
        verdict=_verdict(one, found),
        ended=_ended(one),
        grew=_grew(one, found),
        client_bound=one.probe.client_bound,
        client_reasons=list(one.client_reasons),
        tails=[tail for tail in tails if tail is not None],
    )


def _verdict(one: ProbedRun, found: Searched) -> str:
    if one.probe.held is not None:
        return "held" if one.probe.held else "so far" if one.probe.enough else "failed"
    if one.record.sure is not None and one.record.sure.because in ("ease", "so far"):
        return "so far"
    told = [other.probe for other in found.runs if not other.probe.client_bound]
    criteria = tuple(criterion_of(limit) for limit in found.search.limits)
    sure = one.probe.verdict == "over" or (one.outgrown and surely_over(one.probe, told, criteria))
    return "over" if sure else one.probe.verdict


def _grew(one: ProbedRun, found: Searched) -> bool:
    """Whether it was a queue that grew which told: as the run went on, or, where it told nothing then, at its end."""
    if _verdict(one, found) != "over" or not len(one.probe.of_limits):
        return False
    return one.record.sure is None or one.record.sure.because == "growth"


def _ended(one: ProbedRun) -> str:
    """Why a run ended when it did."""
    entry = one.entry
    if not len(one.probe.of_limits) or one.result is None:
        return f"{entry.status}: {entry.reason.splitlines()[0] if entry.reason else 'no request was issued'}"
    if words := one.result.sure_words:
        return words
    early = isinstance(entry.shape, RateShape) and entry.shape.until_sure
    return "at its longest" if early else "at its full length"


def _tail(taken: Floats, place: int, limit: TailLimit) -> Tail | None:
    point = point_of(taken, place, limit)
    if point is None:
        return None
    share, percentile = point.share, _times(point.percentile, limit)
    return Tail(limit=limit.title, allowed=limit.share, share=share.value, low=share.low, high=share.high,
                value_ns=percentile[0], value_low_ns=percentile[1], value_high_ns=percentile[2])  # fmt: skip


def _curve(found: Searched, rate: float) -> list[Fitted]:
    """What all runs together say near the rate that was found, limit by limit."""
    probes = [one.probe for one in found.runs]
    rates = [rate * math.exp(step * _REACH / _STEPS) for step in range(-_STEPS, _STEPS + 1)]
    return [
        _fitted(at, limit)
        for place, limit in enumerate(found.search.limits)
        for at in line(probes, place, criterion_of(limit), rate, rates)
    ]


def _fitted(at: Line, limit: TailLimit) -> Fitted:
    value, low, high = _times(at.percentile, limit)
    return Fitted(limit=limit.title, rate=at.rate, share=at.share.value, low=at.share.low, high=at.share.high,
                  value_ns=value, value_low_ns=low, value_high_ns=high)  # fmt: skip


def _times(spread: Spread, limit: TailLimit) -> tuple[int | None, int | None, int | None]:
    """A percentile of the measure over its limit, ns; None where it limits several quantities, or has no bound: a fit
    that knows little has one of more years than a number of ns holds."""
    if len(limit.keeps.limits) != 1:
        return None, None, None
    (limit_ns,) = limit.keeps.limits.values()
    times = [one * limit_ns for one in (spread.value, spread.low, spread.high)]
    value, low, high = (int(time) if time < _MOST_NS else None for time in times)
    return value, low, high
