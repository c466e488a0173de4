"""How long a larger data set would take, from shorter runs.

A short run's rate holds the moment at its end when places stay empty because nothing is left to send; in a long run
that moment is the same and counts for little. So a projection is the measured time plus the samples that are missing at
the rate of the time when every place was taken. Its error is the noise of that rate, and the chance of which samples
were measured: repeats of the same few samples agree with each other better than with others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.rates import full_rate
from assay.analysis.samples import MISSING, Samples
from assay.analysis.statistics import Estimate, over_repeats
from assay.analysis.whole_set import WholeSet
from assay.digits import number_text

WHOLE = "all endpoints"
FEWEST_WAVES = 4
TOO_SHORT = (
    f"Not projected: that takes at least {FEWEST_WAVES} times as many samples as were in flight at once. In a shorter "
    "run the first full load and the empty places at the end are most of what there is."
)


@dataclass(frozen=True)
class Course:
    """What a run tells of a longer one."""

    samples: int
    seconds: float
    rate: Estimate
    """Samples/s while every place was taken."""
    distinct: int
    """Different samples among them."""
    spread: float
    """Standard deviation of the different samples' time at their endpoint, of its mean."""
    in_flight: int
    """The most samples that were in flight at once."""

    def tells_of(self, samples: int) -> bool:
        """Whether it says how long a data set of so many takes.

        Of fewer than were measured it does only where they are what was measured, again and again, and enough to keep
        every place taken: else they would run at another rate.
        """
        if samples >= self.samples:
            return True
        return self.distinct == samples >= FEWEST_WAVES * self.in_flight


class Projection(BaseModel):
    """It holds if the other samples are like the measured ones, at the same settings, with no further slowing."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="whose rate")
    of: str = Field(description="whose samples")
    samples: int
    measured_samples: int = Field(description="in each run")
    measured_distinct: int = Field(description="different samples among them")
    measured_seconds: float = Field(description="mean of the runs")
    rate: float = Field(description="samples/s while every place was taken")
    rate_low: float | None
    rate_high: float | None
    seconds: float
    seconds_low: float | None
    seconds_high: float | None
    unanswered: str = Field(default="", description="samples that the measured runs left unanswered, in words")

    @property
    def measured(self) -> bool:
        """Whether each sample of the set was measured, so that its time is no projection."""
        return self.samples == self.measured_samples == self.measured_distinct

    @property
    def arithmetic(self) -> str:
        """The sum written out, and what the runs behind it lack."""
        lacks = f"; {self.unanswered}" if self.unanswered else ""
        measured = number_text(self.measured_seconds)
        missing = self.samples - self.measured_samples
        if not missing:
            return f"{measured} s x {self.samples:,} / {self.measured_samples:,} samples{lacks}"
        return (
            f"{measured} s for {self.measured_samples:,} samples {'+' if missing > 0 else '-'} {abs(missing):,} / "
            f"{number_text(self.rate)} samples/s = {self.seconds:,.0f} s{lacks}"
        )


def course(samples: Samples, begin_ns: int | None = None) -> Course | None:
    """A closed-loop run's course from `begin_ns` (the first start, if None); None where it is too short to tell."""
    in_flight = _most_in_flight(samples)
    if len(samples) == 0 or len(samples) < FEWEST_WAVES * in_flight:
        return None
    begin_ns = samples.begin_ns if begin_ns is None else begin_ns
    seconds = (samples.end_ns - begin_ns) / 1e9
    if not seconds > 0:
        return None
    until_ns = int(samples.sent_ns.max())  # then nothing was left to send, and places began to stay empty
    distinct, spread = _spread(samples)
    return Course(len(samples), seconds, full_rate(samples, begin_ns, until_ns), distinct, spread, in_flight)


def _most_in_flight(samples: Samples) -> int:
    sent = samples.sent_ns != MISSING
    times = np.concatenate([samples.sent_ns[sent], samples.done_ns[sent]])
    steps = np.repeat([1, -1], int(sent.sum()))
    # At the same moment an end comes before a sending, which it made room for.
    return int(np.cumsum(steps[np.lexsort((steps, times))]).max(initial=0))


def _spread(samples: Samples) -> tuple[int, float]:
    """How many different samples there are, and how much they differ in the time they take."""
    known = samples.where(samples.sent_ns != MISSING)
    took = (known.done_ns - known.sent_ns).astype(np.float64)
    counts = np.bincount(known.endpoint, minlength=len(known.endpoints))
    own_means = np.bincount(known.endpoint, took, minlength=len(known.endpoints)) / np.maximum(counts, 1)
    took /= np.maximum(1.0, own_means[known.endpoint])
    kinds, index = np.unique(known.qsl_idx, return_inverse=True)
    if len(kinds) < 2:
        return len(kinds), math.nan
    means = np.bincount(index, took) / np.bincount(index)
    return len(kinds), float(means.std(ddof=1))


def project(name: str, whole: WholeSet, courses: Sequence[Course], unanswered: str = "") -> Projection | None:
    """The time for all samples, from repeated runs of the same work; None where they don't tell it.

    `unanswered`: what those runs left unanswered, in words.
    """
    samples = whole.samples
    if not courses or any(not (c.rate.value > 0 and c.tells_of(samples)) for c in courses):
        return None
    rate = over_repeats([_with_choice(c.rate, c, samples) for c in courses])
    time = over_repeats([_time(c, samples) for c in courses])
    low, high = _no_surer(time, rate)
    unknown = any(c.distinct < 2 for c in courses)  # one sample doesn't tell how others differ
    return Projection(
        name=name,
        of=whole.title,
        samples=samples,
        measured_samples=round(np.mean([c.samples for c in courses])),
        measured_distinct=min(c.distinct for c in courses),
        measured_seconds=float(np.mean([c.seconds for c in courses])),
        rate=rate.value,
        rate_low=None if unknown else rate.low,
        rate_high=None if unknown else rate.high,
        seconds=time.value,
        seconds_low=None if unknown else low,
        seconds_high=None if unknown else high,
        unanswered=unanswered,
    )


def _time(run: Course, samples: int) -> Estimate:
    value = run.seconds + (samples - run.samples) / run.rate.value
    se = None if run.rate.se is None else value * run.rate.se / run.rate.value
    return _with_choice(Estimate(value, se, run.rate.df, run.samples), run, samples)


def _no_surer(time: Estimate, rate: Estimate) -> tuple[float | None, float | None]:
    """The interval of a time that follows from a rate: times of a few runs may agree better than their rates do."""
    if time.interval is None or rate.interval is None:
        return None, None
    (low, high), (slowest, fastest) = time.interval, rate.interval
    return min(low, time.value * rate.value / fastest), max(high, time.value * rate.value / slowest)


def _with_choice(estimate: Estimate, run: Course, samples: int) -> Estimate:
    """With the error from having measured `run.distinct` of `samples` different samples (simple random sampling)."""
    if run.distinct < 2:
        return estimate
    unmeasured = max(0.0, 1 - run.distinct / samples)
    return replace(estimate, shared=estimate.value * run.spread * math.sqrt(unmeasured / run.distinct))
