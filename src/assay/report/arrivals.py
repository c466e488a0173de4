"""Why the rate that came out isn't the rate that was asked for: a short load's arrivals, and its end."""

from __future__ import annotations

from assay.analysis.figures import estimate_of
from assay.analysis.offered import Offered, last_arrival_ns, offered, outran
from assay.analysis.run import RunAnalysis
from assay.analysis.samples import Samples
from assay.analysis.summary import shaped_by_client
from assay.report import format as fmt
from assay.runs.record import RunRecord
from assay.runs.shapes import RateShape

_APART = 0.02
_BY_CHANCE = " (they come at random, so a short load has more or fewer than asked)"
TOO_MANY = ", which is more than the server keeps up with"


def arrivals(analysis: RunAnalysis) -> list[str]:
    """One sentence where a rate was asked for and another came out; none where they agree, or nothing was asked."""
    asked, samples = _asked(analysis), analysis.samples
    done = analysis.result.figures.get("samples_per_s")
    if asked is None or samples is None or done is None or analysis.ledger is None:
        return []
    came = offered(samples, analysis.record, analysis.ledger.issued)
    if came is None or abs(done.value / asked - 1) <= _APART:
        return []
    return [f"{_came(analysis, asked, came)}; {_ended(samples)}."]


def _asked(analysis: RunAnalysis) -> float | None:
    """Arrivals a second."""
    shape = analysis.record.shape
    return shape.rate if isinstance(shape, RateShape) else analysis.record.target_qps


def _came(analysis: RunAnalysis, asked: float, came: Offered) -> str:
    """How many arrived, and at what rate."""
    done = estimate_of(analysis.result.figures["samples_per_s"])
    too_many = outran(came, done) and not analysis.result.unanswered_words and not shaped_by_client([analysis.result])
    why = TOO_MANY if too_many else by_chance(analysis.record, asked, came.per_s)
    return (
        f"{fmt.number(asked)} arrivals a second were asked for, {fmt.number(came.count)} came in "
        f"{fmt.duration(came.seconds)}, {fmt.number(came.per_s)} a second{why}"
    )


def by_chance(record: RunRecord, asked: float, came_per_s: float) -> str:
    """Why more or fewer arrived than were asked for, in brackets; empty where they didn't, or came evenly spaced."""
    even = isinstance(record.shape, RateShape) and record.shape.arrivals == "constant"
    return "" if even or abs(came_per_s / asked - 1) <= _APART else _BY_CHANCE


def _ended(samples: Samples) -> str:
    """What the rate counts at the load's end."""
    if samples.until_ns is None:
        after_s = (samples.end_ns - last_arrival_ns(samples)) / 1e9
        return f"the rate counts until the last answer, {fmt.duration(after_s)} after the last arrival"
    within = fmt.number(float(samples.share_in_time.sum()))
    return f"the rate counts the {within} that were done within that time, those in flight at its end by their part"
