"""A combined rate is no more than its parts."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import Span, total
from assay.digits import sum_text


@run_rule(
    "combined-parts",
    explain="""
Parts that ran at the same time (nodes, endpoints) make up the whole:

    combined samples/s <= sum of the parts' samples/s
    combined samples/s <= all completed samples / the longest part's duration

The first is an equality where all parts ran equally long. The second is what "0.98 + 1.07 = 2.05 samples/s" breaks
when one part stopped early: rates over different times don't add up. A part's duration is stated, or its samples over
its rate. The same holds of tokens/s.
""",
    source="arithmetic: the whole lasts at least as long as its longest part",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if not run.parts:
        return
    for unit, name in (("samples/s", "samples_per_s"), ("tokens/s", "tokens_per_s")):
        whole: Span | None = getattr(run, name)
        rates = [getattr(part, name) for part in run.parts]
        if whole is None or None in rates:
            continue
        summed = total(rates)
        words = f"{whole} {unit} combined"
        sums = f"{sum_text(rates)} = {summed}"
        yield contradicted(words, sums) if whole.above(summed, 1e-5) else supported(words, sums)
    yield from _longest(run)


def _longest(run: RunEvidence) -> Iterator[Check]:
    counts = [part.samples.completed for part in run.parts]
    durations = [_duration(part) for part in run.parts]
    known = [duration for duration in durations if duration is not None]
    if run.rated or run.samples_per_s is None or None in counts or len(known) != len(durations):
        return
    samples = sum(count for count in counts if count is not None)
    longest = max(known, key=lambda duration: duration.value)
    if longest.low <= 0:
        return
    most = Span.exact(samples) / longest
    words = f"{run.samples_per_s} samples/s combined"
    sums = f"{samples} samples / {longest} s, the longest part = {most}"
    yield contradicted(words, sums) if run.samples_per_s.above(most, 1e-4) else supported(words, sums)


def _duration(part: RunEvidence) -> Span | None:
    if part.duration_s is not None:
        return part.duration_s
    if part.samples_per_s is not None and part.samples.completed and part.samples_per_s.low > 0:
        return Span.exact(part.samples.completed) / part.samples_per_s
    return None
