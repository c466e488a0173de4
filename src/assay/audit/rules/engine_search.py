"""The settings that a search calls best are those that its runs show."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.engine_models import Tuned
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted, evidence_rule, supported, unsupported

Numbers = tuple[float, float | None, float | None]
"""A value with its interval."""


@evidence_rule(
    "engine-search",
    explain="""
Which settings are best follows from the search's runs alone: the rate of every try on each of its server starts, and
for each finalist the ratio to the default's over those starts, or to the default's most at the paces of a user for
which it is best. It is worked out again. Each stated rate and ratio must
lie within the interval that comes out, and the other way round; what is called best must beat the default by an
interval there too; and a try that the runs give no rate can't have one.
""",
    source="report.json: engine, against runs/*",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for claim in evidence.settings:
        shown = dict(_figures(claim.shown))
        for words, stated in _figures(claim.stated):
            yield _held(words, stated, shown.get(words))
        said, found = _answer(claim.stated), _answer(claim.shown)
        yield (
            supported(said, "from the runs' records")
            if said == found
            else contradicted(said, f"{found}, from the runs' records")
        )


def _figures(found: Tuned) -> Iterator[tuple[str, Numbers]]:
    """Every rate and ratio, by what it is of."""
    for one in found.tries:
        for stage, rate in one.rates.items():
            yield f"rate of {one.name} ({stage})", (rate.value, rate.low, rate.high)
        for stage, points in one.points.items():
            for point in points:
                rate, place = point.output_tokens_per_s, f"of {one.name} with {point.in_flight} in flight ({stage})"
                yield f"rate {place}", (rate.value, rate.low, rate.high)
                yield f"pace {place}", (point.per_user.value, point.per_user.low, point.per_user.high)
    for best in found.front.ranges if found.front else ():
        if best.ratio is not None:
            whose = "any other's" if found.default is not None and best.name == found.default.name else "the default's"
            words = f"{best.name} with {best.in_flight} in flight over {whose} most at its paces"
            yield words, (best.ratio, best.low, best.high)
    for against in found.against:
        yield f"{against.name} over the default", (against.ratio, against.low, against.high)


def _held(words: str, stated: Numbers, shown: Numbers | None) -> Check:
    if shown is None:
        return unsupported(f"{words} {stated[0]:.4g}", "the runs show none")
    sums = f"{_text(shown)} from the runs' records"
    apart = not _within(stated[0], shown) or not _within(shown[0], stated)
    return (contradicted if apart else supported)(f"{words} {_text(stated)}", sums)


def _within(value: float, of: Numbers) -> bool:
    """Without an interval, within rounding."""
    low, high = (of[0] if end is None else end for end in of[1:])
    return low * (1 - 1e-6) <= value <= high * (1 + 1e-6)


def _text(numbers: Numbers) -> str:
    value, low, high = numbers
    return f"{value:.4g}" + ("" if low is None or high is None else f" ({low:.4g} to {high:.4g})")


def _answer(found: Tuned) -> str:
    if found.best is not None:
        return f"{found.outcome}: {found.best}"
    shown = (
        [f"{one.name} at up to {one.up_to:.4g}" for one in found.front.ranges if one.shown or one.default_best]
        if found.front
        else []
    )
    return f"{found.outcome}: {', '.join(shown)}" if shown else found.outcome
