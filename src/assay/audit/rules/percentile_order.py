"""Percentiles are ordered, and the mean lies within the range."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence, Spread
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported
from assay.audit.spans import Span, ns


@run_rule(
    "percentile-order",
    explain="""
For any set of numbers

    min <= p50 <= p90 <= p95 <= p99 <= p99.9 <= max        min <= mean <= max

(early stopping's estimates likewise, each no less than its percentile)
and no latency is negative (but for a minimum in LoadGen's own logs: told of an answer's first token and its end by two
threads, it may note them in the wrong order). The mean is bound by each percentile too: at least p % of the samples are
no greater than the percentile v, the others no greater than the maximum, so

    mean <= p v + (1 - p) max        mean >= p min + (1 - p) v

(up to one sample of rounding in the rank, where the number of samples is known).
""",
    source="definition of order statistics; Markov's inequality on both sides of a percentile",
)
def check(run: RunEvidence) -> Iterator[Check]:
    logged = run.origin in (Origin.LOADGEN, Origin.SUBMISSION)
    for spread in run.spreads:
        found = list(_spread(spread, logged=logged))
        yield from found
        if not found:
            yield supported(f"{spread.name}: {', '.join(name for name, _ in spread.named())}", "in order")


def _spread(spread: Spread, *, logged: bool) -> Iterator[Check]:
    negative = {name: ns(value) for name, value in spread.named() if value.high < 0}
    if negative and not (logged and list(negative) == ["min"]):
        words = ", ".join(f"{name} {value}" for name, value in negative.items())
        yield impossible(f"{spread.name} {words}", "a time is never negative")
        return
    ordered = [
        ("min", spread.min),
        *((f"p{p:g}", v) for p, v in sorted(spread.percentiles.items())),
        ("max", spread.max),
    ]
    certified = [("min", spread.min), *_certified(spread), ("max", spread.max)]
    beside = [[(f"p{p:g}", spread.percentiles.get(p)), (f"certified p{p:g}", v)] for p, v in spread.certified.items()]
    for series in (ordered, certified, *beside):
        known = [(name, value) for name, value in series if value is not None]
        for (lower_name, lower), (upper_name, upper) in itertools.pairwise(known):
            if lower.above(upper):
                yield contradicted(f"{spread.name} {lower_name} {ns(lower)}, {upper_name} {ns(upper)}", "out of order")
    mean = spread.mean
    if mean is None:
        return
    if spread.min is not None and mean.below(spread.min):
        yield contradicted(f"{spread.name} mean {ns(mean)}", f"below the minimum {ns(spread.min)}")
    if spread.max is not None and mean.above(spread.max):
        yield contradicted(f"{spread.name} mean {ns(mean)}", f"above the maximum {ns(spread.max)}")
    yield from _bounds(spread)


def _certified(spread: Spread) -> list[tuple[str, Span]]:
    """Early stopping's estimates, in order."""
    return [(f"certified p{p:g}", value) for p, value in sorted(spread.certified.items())]


def _bounds(spread: Spread) -> Iterator[Check]:
    if spread.mean is None:
        return
    rank = 1 / spread.n if spread.n else 0.05
    for percentile, value in sorted(spread.percentiles.items()):
        share = percentile / 100
        if spread.max is not None:
            at = max(share - rank, 0.0)
            most = value * at + spread.max * (1 - at)
            if spread.mean.above(most):
                sums = f"{share:g} x {ns(value)} + {1 - share:g} x {ns(spread.max)} = {ns(most)} at most"
                yield contradicted(f"{spread.name} mean {ns(spread.mean)} with p{percentile:g} {ns(value)}", sums)
        if spread.min is not None:
            at = min(share + rank, 1.0)
            least = spread.min * at + value * (1 - at)
            if spread.mean.below(least):
                sums = f"{share:g} x {ns(spread.min)} + {1 - share:g} x {ns(value)} = {ns(least)} at least"
                yield contradicted(f"{spread.name} mean {ns(spread.mean)} with p{percentile:g} {ns(value)}", sums)
