"""On which side of the limit a rate is, as each probe alone says and as others bear it out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.search.criteria import Criterion
from assay.search.history import Probe
from assay.search.trial import FIRST_LOOK


def between(probes: Sequence[Probe], criteria: tuple[Criterion, ...]) -> tuple[float | None, float | None]:
    """The highest rate that keeps the criteria below all that don't, and the lowest that doesn't above it."""
    telling = [probe for probe in probes if not silent(probe, criteria)]
    over = sorted(probe.rate for probe in telling if breaks(probe, criteria))
    under = sorted(probe.rate for probe in telling if not breaks(probe, criteria))
    high = over[0] if over else None
    low = max((rate for rate in under if high is None or rate < high), default=None)
    return low, high


def shown(probes: Sequence[Probe], criteria: tuple[Criterion, ...]) -> tuple[float | None, float | None]:
    """As `between`, of probes alone that are sure: what was seen of the others is no bound."""
    high = min((probe.rate for probe in probes if surely_over(probe, probes, criteria)), default=None)
    under = (probe.rate for probe in probes if probe.verdict == "under")
    return max((rate for rate in under if high is None or rate < high), default=None), high


def surely_over(probe: Probe, probes: Sequence[Probe], criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe's trial was sure that its rate is over, or its queue grew and the other probes bear that out.

    Slow swings feign a queue that grows. As many requests at rates as high, with neither that nor a limit broken, say
    that this one was such a swing.
    """
    if probe.verdict == "over" or not probe.grew:
        return probe.verdict == "over"
    high = [other for other in probes if rate_that_came(other) >= rate_that_came(probe) and not breaks(other, criteria)]
    return sum(len(other.of_limits) for other in high) < len(probe.of_limits)


def rate_that_came(probe: Probe) -> float:
    return probe.came or probe.rate


def breaks(probe: Probe, criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe broke a criterion: as its trial says, else by its queue or the share that was over."""
    if probe.verdict != "undecided":
        return probe.verdict == "over"
    if probe.grew:
        return True
    shares = (probe.of_limits > 1).mean(axis=0)
    return any(share > criterion.allowed for share, criterion in zip(shares, criteria, strict=True))


def silent(probe: Probe, criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe has too few requests to say on which side its rate is; that it is far too high, few show."""
    if probe.verdict != "undecided" or probe.grew or len(probe.of_limits) >= FIRST_LOOK:
        return False
    return not len(probe.of_limits) or not hopeless(probe, criteria)


def hopeless(probe: Probe, criteria: tuple[Criterion, ...]) -> bool:
    """Whether a probe says no more than that its rate is far too high."""
    shares = (probe.of_limits > 1).mean(axis=0) if len(probe.of_limits) else np.ones(len(criteria))
    return any(share > criterion.hopeless for share, criterion in zip(shares, criteria, strict=True))


def most_broken(probe: Probe, criteria: tuple[Criterion, ...]) -> str:
    shares = (probe.of_limits > 1).mean(axis=0) if len(probe.of_limits) else np.ones(len(criteria))
    most = max(zip(shares, criteria, strict=True), key=lambda each: each[0] / each[1].allowed)
    return most[1].name
