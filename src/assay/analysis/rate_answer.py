"""The answer of a search for a rate: the rate with its interval, what bounds it, and every run that it rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.kept_limits import Floats, counted, share_interval
from assay.analysis.rate_search import ProbedRun, Searched, searched
from assay.runs.campaign import CampaignFolder, CampaignState
from assay.runs.rate_search import ProbeRole, TunedScenario
from assay.runs.shapes import RateShape
from assay.runs.tail_limits import TailLimit
from assay.search import Found, Stopped
from assay.search.evidence import evidence

Outcome = Literal["found", "stopped", "unfinished"]
ERRORS = "errors"
_Z95 = 1.96
_MOST = 0.5


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


class RatePoint(_Model):
    """One run of the search."""

    run: str
    role: ProbeRole
    why: str
    rate: float = Field(description="arrivals a second that were asked for")
    requests: int
    errors: int
    seconds: float = Field(description="the warm-up included")
    verdict: str = Field(description="how it stood: over, under or undecided, and of a confirming run held or failed")
    ended: str = Field(description="why it ended, in words")
    client_bound: bool
    tails: list[Tail]


class RateAnswer(_Model):
    """What the search found. Rates are arrivals a second."""

    outcome: Outcome
    confirmed: bool = Field(description="a confirming run kept every limit at the rate")
    rate: float | None
    low: float | None = Field(description="of its 95 % interval; of a search that stopped, what holds for sure")
    high: float | None
    bound_by: str = Field(description="the limit that breaks first, client, or errors; empty: not known")
    because: str = Field(description="of a search that stopped: budget, client, …; else empty")
    why: str
    scenario: TunedScenario
    limits: list[TailLimit]
    precision: float
    seconds: float = Field(description="of all runs together")
    points: list[RatePoint]


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
        points=[_point(one) for one in found.runs],
    )  # fmt: skip
    if isinstance(step, Found):
        answer.outcome, answer.confirmed = "found", step.confirmed
        answer.rate, answer.low, answer.high = step.rate, step.low, step.high
        answer.bound_by = ERRORS if _by_errors(found.runs, step.rate) else step.bound_by
    elif isinstance(step, Stopped):
        answer.outcome, answer.because, answer.low, answer.high = "stopped", step.because, step.low, step.high
        by_errors = step.high is not None and _by_errors(found.runs, step.high)
        answer.bound_by = "client" if step.because == "client" else ERRORS if by_errors else ""
    return answer


def _by_errors(runs: Sequence[ProbedRun], rate: float) -> bool:
    """Whether most of what broke limits from `rate` on are requests without an answer."""
    beyond = [one for one in runs if one.probe.rate >= rate and len(one.probe.of_limits)]
    over = sum(int((one.probe.of_limits > 1).any(axis=1).sum()) for one in beyond)
    return over > 0 and sum(one.errors for one in beyond) > _MOST * over


def _point(one: ProbedRun) -> RatePoint:
    assert one.entry.probe is not None
    taken = counted(one.probe.of_limits, one.record)
    return RatePoint(
        run=one.entry.run or "",
        role=one.entry.probe.role,
        why=one.entry.probe.why,
        rate=one.probe.rate,
        requests=len(one.probe.of_limits),
        errors=one.errors,
        seconds=one.probe.seconds,
        verdict=_verdict(one),
        ended=_ended(one),
        client_bound=one.probe.client_bound,
        tails=[_tail(taken[:, place], limit) for place, limit in enumerate(one.record.limits)] if len(taken) else [],
    )


def _verdict(one: ProbedRun) -> str:
    if one.probe.held is not None:
        return "held" if one.probe.held else "failed"
    return one.probe.verdict


def _ended(one: ProbedRun) -> str:
    """Why a run ended when it did."""
    sure, entry = one.record.sure, one.entry
    if not len(one.probe.of_limits):
        return f"{entry.status}: {entry.reason.splitlines()[0] if entry.reason else 'no request was issued'}"
    if sure is None:
        early = isinstance(entry.shape, RateShape) and entry.shape.until_sure
        return "at its longest, not sure" if early else "at its full length"
    what = "a queue that grows" if sure.growth else _over(one) if sure.over else "within every limit"
    return f"after {sure.after_ns / 1e9:.3g} s: {what}, sure"


def _over(one: ProbedRun) -> str:
    """The limits that the most requests were over, against what may be."""
    taken = counted(one.probe.of_limits, one.record)
    shares = (taken > 1).mean(axis=0) / [limit.share for limit in one.record.limits]
    return f"over {one.record.limits[int(np.argmax(shares))].title}"


def _tail(taken: Floats, limit: TailLimit) -> Tail:
    low, high = share_interval(taken)
    value = _percentile(taken, limit)
    return Tail(
        limit=limit.title, allowed=limit.share, share=float((taken > 1).mean()), low=low, high=high,
        value_ns=value[0], value_low_ns=value[1], value_high_ns=value[2],
    )  # fmt: skip


def _percentile(taken: Floats, limit: TailLimit) -> tuple[int | None, int | None, int | None]:
    """The limited percentile with its 95 % interval by ranks, of as many requests as these are worth, ns."""
    if len(limit.keeps.limits) != 1:
        return None, None, None
    (limit_ns,) = limit.keeps.limits.values()
    ordered, at = np.sort(taken), 1 - limit.share
    room = _Z95 * math.sqrt(at * limit.share / evidence(taken).requests)

    def value(share: float) -> int | None:
        place = math.ceil(share * len(ordered)) - 1
        if not 0 <= place < len(ordered) or math.isinf(ordered[place]):
            return None
        return int(ordered[place] * limit_ns)

    return value(at), value(at - room) if at > room else None, value(at + room) if at + room < 1 else None
