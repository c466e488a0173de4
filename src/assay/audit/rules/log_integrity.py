"""Logs are whole, and agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence, Origin, RunEvidence
from assay.audit.registry import Check, contradicted, every_run, evidence_rule, supported
from assay.audit.verdicts import Judgement

_RUN_FILES = "docs/run-folder.md: the files that a run leaves"

_PERCENTILES = ("50.00", "90.00", "95.00", "97.00", "99.00", "99.90")
_ENDS = ("Min", "Max", "Mean")
_PAIRS = {
    **{f"{end} latency (ns)": f"result_{end.lower()}_latency_ns" for end in _ENDS},
    **{f"{p} percentile latency (ns)": f"result_{p}_percentile_latency_ns" for p in _PERCENTILES},
    **{f"{end} First Token latency (ns)": f"result_first_token_{end.lower()}_latency_ns" for end in _ENDS},
    **{
        f"{p} percentile first token latency (ns)": f"result_first_token_{p}_percentile_latency_ns"
        for p in _PERCENTILES
    },
    **{f"{end} Time per Output Token (ns)": f"result_time_to_output_token_{end.lower()}" for end in _ENDS},
    **{
        f"{p} percentile time to output token (ns)": f"result_time_per_output_token_{p}_percentile_ns"
        for p in _PERCENTILES
    },
    "Samples per second": "result_samples_per_second",
    "Completed samples per second": "result_completed_samples_per_sec",
    "Scheduled samples per second": "result_scheduled_samples_per_sec",
    "Tokens per second": "result_tokens_per_second",
    "Completed tokens per second": "result_completed_tokens_per_second",
}
_SETTINGS = {
    "samples_per_query": "samples_per_query",
    "target_qps": "target_qps",
    "min_duration (ms)": "min_duration_ms",
    "max_duration (ms)": "max_duration_ms",
    "min_query_count": "min_query_count",
    "max_query_count": "max_query_count",
    "qsl_rng_seed": "qsl_rng_seed",
    "sample_index_rng_seed": "sample_index_rng_seed",
    "schedule_rng_seed": "schedule_rng_seed",
    "performance_sample_count": "performance_sample_count",
}


@evidence_rule(
    "log-integrity",
    explain="""
LoadGen writes the same figures to its summary and its detail log, and both end with closing lines. A file that is cut,
has lines that can't be read, or a run folder that lacks files of a finished run can't support a result; figures that
differ between the two logs, or a result that does, contradict each other.
""",
    source="LoadGen writes both files from one set of numbers (loadgen/results.cc)",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for unreadable in evidence.unreadable:
        yield Check(Judgement.UNSUPPORTED, "a run", unreadable.text, subject=unreadable.where, where=unreadable.where)
    for run in every_run(evidence):
        for found in _run(run):
            yield Check(
                found.verdict, found.statement, found.arithmetic, subject=run.name, where=run.where, source=found.source
            )


def _run(run: RunEvidence) -> Iterator[Check]:
    for problem in run.damage:
        source = _RUN_FILES if run.origin is Origin.RUN else None
        yield Check(Judgement.UNSUPPORTED, "the files are whole", problem, source=source)
    summary, detail = run.summary, run.detail
    if summary is None or detail is None:
        return
    if summary.result and detail.result and summary.result != detail.result:
        yield contradicted(f"the summary says {summary.result}", f"the detail log says {detail.result}")
    if summary.scenario == "MultiStream" or run.loadgen_mode == "SubmissionRun":
        return
    different = []
    compared = 0
    for name, key in _PAIRS.items():
        printed, logged = summary.metrics.get(name), detail.values.get(key)
        if printed is None or not isinstance(logged, int | float):
            continue
        compared += 1
        if abs(printed - logged) > 0.0051 + 1e-5 * abs(logged):
            different.append(f"{name}: {printed} and {logged}")
    for name, key in _SETTINGS.items():
        if name == "target_qps" and run.loadgen_mode == "FindPeakPerformance":
            continue  # the summary names the rate that was found
        setting, effective = summary.parameters.get(name), detail.effective.get(key)
        if isinstance(setting, int | float) and isinstance(effective, int | float):
            compared += 1
            if abs(setting - effective) > 1e-5 * abs(effective):  # printed with six digits
                different.append(f"{name}: {setting} and {effective}")
    if different:
        yield contradicted("summary and detail log agree", "; ".join(different))
    elif compared:
        yield supported("summary and detail log agree", f"{compared} figures compared")
