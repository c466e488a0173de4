"""Logs are whole, and agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.registry import Check, contradicted, every_run, evidence_rule, supported, unsupported
from assay.audit.verdicts import Judgement

_PAIRS = {
    "Min latency (ns)": "result_min_latency_ns",
    "Max latency (ns)": "result_max_latency_ns",
    "Mean latency (ns)": "result_mean_latency_ns",
    "50.00 percentile latency (ns)": "result_50.00_percentile_latency_ns",
    "99.00 percentile latency (ns)": "result_99.00_percentile_latency_ns",
    "Min First Token latency (ns)": "result_first_token_min_latency_ns",
    "Mean First Token latency (ns)": "result_first_token_mean_latency_ns",
    "Samples per second": "result_samples_per_second",
    "Completed samples per second": "result_completed_samples_per_sec",
    "Tokens per second": "result_tokens_per_second",
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
            yield Check(found.verdict, found.statement, found.arithmetic, subject=run.name, where=run.where)


def _run(run: RunEvidence) -> Iterator[Check]:
    for problem in run.damage:
        yield unsupported("the files are whole", problem)
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
    if different:
        yield contradicted("summary and detail log agree", "; ".join(different))
    elif compared:
        yield supported("summary and detail log agree", f"{compared} figures compared")
