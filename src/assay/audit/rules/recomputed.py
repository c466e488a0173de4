"""A run folder's figures follow from its records."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Recomputed, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import Span, ns


@run_rule(
    "recomputed",
    explain="""
Every figure of result.json and ledger.json that can be computed from requests.parquet is computed again, by other
code: completed, failed and lost samples, duration, rates, output tokens, and each statistic of latency, TTFT and TPOT
(nearest rank, as LoadGen's).
""",
    source="requests.parquet: one row an attempt, the deciding one of each sample marked final",
)
def check(run: RunEvidence) -> Iterator[Check]:
    measured = run.measured
    if measured is None:
        return
    for name in ("completed", "failed", "lost"):
        stated, actual = getattr(run.samples, name), getattr(measured, name)
        if stated is not None and stated != actual:
            yield contradicted(f"{stated} samples {name}", f"{actual} in {measured.source}")
    found = list(_figures(run, measured))
    yield from found
    if not found:
        yield supported("figures as the records give them", f"{measured.completed} samples of {measured.source}")


def _figures(run: RunEvidence, measured: Recomputed) -> Iterator[Check]:
    expected: list[tuple[str, Span | None, float | None]] = [
        ("output tokens", run.output_tokens, measured.output_tokens)
    ]
    if measured.duration_s > 0:
        rated = measured.rated
        tokens_per_s = rated.output_tokens.value / rated.seconds.value if rated.output_tokens else None
        expected += [
            ("duration s", run.duration_s, measured.duration_s),
            ("samples/s", run.samples_per_s, rated.samples / rated.seconds.value),
            ("tokens/s", run.tokens_per_s, tokens_per_s),
        ]
    for name, stated, actual in expected:
        if stated is not None and actual is None:
            yield contradicted(f"{name} {stated}", f"not counted in {measured.source}")
        elif stated is not None and actual is not None and not stated.agrees(Span.exact(actual), 1e-5):
            yield contradicted(f"{name} {stated}", f"{actual:.6g} from {measured.source}")
    for spread in (run.latency, run.ttft, run.tpot):
        other = dict(measured.spreads[spread.name].named()) if spread else {}
        for name, value in spread.named():
            if name in other and not value.agrees(other[name], 1e-6):
                yield contradicted(f"{spread.name} {name} {ns(value)}", f"{ns(other[name])} from {measured.source}")
