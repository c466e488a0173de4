"""An MLPerf performance run lasts at least 600 seconds."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported
from assay.benchmarks.mlperf import MIN_DURATION_NS


@run_rule(
    "too-short",
    explain="""
A performance run that is called VALID for MLPerf lasts at least 600 s, and LoadGen was told so: min_duration is at
least 600,000 ms. (The e2e-rag benchmarks alone end with one pass over the data.) LoadGen says VALID to any run that
meets the settings it was given, a one-second run included.
""",
    source="MLPerf inference rules, 'minimum duration: 600 seconds'",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if not run.claims_mlperf or not run.performance:
        return
    least = (run.rules.min_duration_ns if run.rules else MIN_DURATION_NS) // 1_000_000
    setting = run.detail.effective.get("min_duration_ms") if run.detail else None
    if setting is None and run.summary:
        setting = run.summary.parameters.get("min_duration (ms)")
    if setting is None and run.endpoints:
        setting = run.endpoints.min_duration_ms
    if isinstance(setting, int | float):
        words = f"VALID with min_duration {setting} ms"
        if setting >= least:
            yield supported(words, f"at least {least} ms")
        elif run.origin is Origin.LOADGEN:
            yield unsupported(
                words, f"MLPerf asks for {least} ms: VALID here means only that its own settings were met"
            )
        else:
            yield contradicted(words, f"MLPerf asks for {least} ms")
    duration = run.duration_s or run.wall_clock_s
    if duration is not None:
        words = f"an MLPerf run of {duration} s"
        short = duration.below(least / 1000, 1e-3)
        if not short:
            yield supported(words, f"at least {least / 1000:g} s")
        elif run.origin is not Origin.LOADGEN:
            yield contradicted(words, f"{duration} s < {least / 1000:g} s")
