"""The page of one run, from its analysis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assay.analysis.run import RunAnalysis
from assay.analysis.summary import TOLD_AS_FINDINGS, shaped_by_client
from assay.analysis.titles import benchmark_title
from assay.analysis.verdict import FINISHED, random_weights
from assay.analysis.whole_time import whole_time_of_run
from assay.audit import AuditReport
from assay.benchmarks import UNVERIFIED
from assay.report import format as fmt
from assay.report.accuracy import accuracy_blocks, score_headlines
from assay.report.again import again_blocks
from assay.report.environment import environment_blocks
from assay.report.expenses import expenses_blocks
from assay.report.findings import mend, shown_findings
from assay.report.machines import nodes_of
from assay.report.page import Headline, Page, Problem, Section, VerdictKind, lifted
from assay.report.plausibility import REFUSED, audit_problems, plausibility_blocks, refused
from assay.report.published import published_blocks
from assay.report.run_answer import run_answer
from assay.report.run_charts import RunCharts
from assay.report.run_measures import (
    findings_blocks,
    hardware_blocks,
    latency_blocks,
    nodes_blocks,
    provenance_blocks,
    tokens_blocks,
)
from assay.report.run_sections import driver_blocks, ledger_blocks, log_blocks, speed_blocks
from assay.report.subject import drawn_from, run_subject, served_on
from assay.report.what_next import run_next
from assay.report.whole_time import whole_time_blocks
from assay.runs.record import RunRecord
from assay.runs.result import Distribution, Result

CLIENT_BOUND, SIMULATED, RANDOM_WEIGHTS = "client-bound", "simulated endpoints", "random weights"
"""What a strip says of figures that are no measurement of a server."""
# The chart that shows the answer, by the run's mode.
_LEADS = {
    "performance": ("throughput_timeline", "node_comparison", "latency_distribution"),
    "accuracy": ("accuracy_comparison",),
}


def run_page(analysis: RunAnalysis, audit: AuditReport | None = None) -> Page:
    """The report of one run; a result that its audit contradicts has no headline, and no verdict but that."""
    result, record = analysis.result, analysis.record
    charts = RunCharts(analysis) if analysis.samples is not None else None
    bad = refused(audit)
    sections = [
        Section("speed", "How fast", list(speed_blocks(analysis, charts))),
        Section(
            "projection", "How long the whole data set takes",
            list(whole_time_blocks(analysis.projections, whole_time_of_run(analysis), "requests.parquet")),
        ),
        Section("latency", "Latency", list(latency_blocks(analysis, charts))),
        Section("nodes", "Nodes", list(nodes_blocks(analysis, charts))),
        Section("tokens", "Tokens", list(tokens_blocks(analysis, charts))),
        Section("expenses", "Energy and cost", list(expenses_blocks(analysis))),
        Section("hardware", "Hardware in use", list(hardware_blocks(analysis))),
        Section("findings", "Findings, and what to try", list(findings_blocks(analysis))),
        Section("accuracy", "Quality of the answers", list(accuracy_blocks(analysis))),
        Section("published", "Published results", list(published_blocks(analysis))),
        Section("logs", "Logs", list(log_blocks(analysis))),
        Section("ledger", "Ledger", list(ledger_blocks(analysis))),
        Section("driver", "The load generator", list(driver_blocks(analysis))),
        Section("plausibility", "Plausibility", list(plausibility_blocks(audit))),
        Section("again", "How to repeat it", list(again_blocks(analysis))),
        Section("environment", "Environment", list(environment_blocks(analysis))),
        Section("provenance", "Provenance", list(provenance_blocks(analysis))),
    ]  # fmt: skip
    if record.mode == "accuracy":
        sections.sort(key=lambda section: section.id != "accuracy")  # what the run was made for
    lead, sections = lifted(sections, _LEADS.get(record.mode, ()))
    return Page(
        title=f"{benchmark_title(analysis.benchmark, [record])}: {record.scenario}, {record.mode}",
        subject=run_subject(record),
        what=_what(analysis),
        answer=run_answer(analysis, refused=bad),
        next_step="" if bad else run_next(analysis),
        verdict=REFUSED if bad else result.verdict.words,
        kind="invalid" if bad else verdict_kind(result),
        verdict_reasons=[f"without the audit: {result.verdict.words}"] * bad + verdict_reasons(result, record.reason),
        headlines=[] if bad else headlines(analysis.result),
        problems=[
            *audit_problems(audit),
            *_finding_problems(analysis),
            *notice_problems(result.notices),
        ],
        sections=sections,
        lead=lead,
        pictures=[charts.performance(), *([charts.throughput()] if charts.several else [])] if charts else [],
        banner="; ".join([REFUSED] * bad + [banner(analysis.result, analysis.record)]).removesuffix("; "),
    )


def notice_problems(notices: Iterable[str]) -> list[Problem]:
    """The result's notices, each once; what is a finding already isn't told again."""
    told = dict.fromkeys(notice for notice in notices if not notice.startswith(TOLD_AS_FINDINGS))
    return [Problem("note", "", notice) for notice in told]


def verdict_reasons(result: Result, told: str) -> list[str]:
    """Why the verdict is what it is: a verdict that stands alone explains nothing.

    `told`: why the run ended as it did, where the answer says that: it isn't said again.
    """
    if result.verdict.reasons or not result.verdict.valid:
        end = f": {told.splitlines()[0]}" if told else ""
        return [reason.removesuffix(end) for reason in result.verdict.reasons]
    if result.mode == "accuracy":
        return ["the settings are the rules', and the benchmark's quality gate is passed"]
    return ["LoadGen says so, its log has no error, the ledger balances, the limits hold, the settings are the rules'"]


def verdict_kind(result: Result) -> VerdictKind:
    if result.verdict.valid:
        return "valid"
    if result.status not in FINISHED or not result.latency:
        return "none"
    return "invalid" if result.official else "short"


def banner(result: Result, record: RunRecord) -> str:
    """What every page and picture of a run must say."""
    return banner_of_all([(result, record)])


def banner_of_all(runs: Sequence[tuple[Result, RunRecord]]) -> str:
    """What must be said of several runs."""
    verdicts = [result.verdict for result, _ in runs]
    words = [verdict.words for verdict in verdicts if not verdict.valid or UNVERIFIED in verdict.words]
    return "; ".join([*said_once(words), *doubts(runs)])


def said_once(words: Iterable[str]) -> list[str]:
    """The parts of verdicts, each once, and none that another begins with."""
    parts = list(dict.fromkeys(part for own in words for part in own.split("; ")))
    return [part for part in parts if not any(other != part and other.startswith(part) for other in parts)]


def doubts(runs: Sequence[tuple[Result, RunRecord]]) -> list[str]:
    """Why figures of one of the runs are none of a server, in as few words as a strip takes."""
    return [
        *([CLIENT_BOUND] if any(client_bound(result) for result, _ in runs) else []),
        *([SIMULATED] if any(record.simulated for _, record in runs) else []),
        *([RANDOM_WEIGHTS] if any(random_weights(record) for _, record in runs) else []),
    ]


def client_bound(result: Result) -> bool:
    """Whether there are figures, and the load generator could have shaped them."""
    return shaped_by_client([result]) and bool(result.latency)


def headlines(result: Result) -> list[Headline]:
    """The three numbers of the first screen, of an accuracy run its scores; none where nothing is reportable."""
    if result.mode == "accuracy":
        return [] if result.accuracy is None else score_headlines(result.accuracy)
    if "samples_per_s" not in result.figures:
        return []
    latencies = latency_cards(result.scenario)
    rates = [
        _rate(name, result, key)
        for name, key in (("Output tokens", "output_tokens_per_s"), ("Samples", "samples_per_s"))
        if key in result.figures
    ]
    chosen = rates[: 3 - len(latencies)]
    chosen += [_percentile(name, result.latency[key], share) for name, key, share in latencies if key in result.latency]
    return chosen


def latency_cards(scenario: str) -> list[tuple[str, str, str]]:
    """The latencies that a scenario is about: what a card is called, which latency, which percentile."""
    return {
        "Offline": [("TPOT, median", "tpot_ns", "p50")],
        "SingleStream": [("Latency, 90th percentile", "latency_ns", "p90"), ("TTFT, median", "ttft_ns", "p50")],
    }.get(scenario, [("TTFT, 99th percentile", "ttft_ns", "p99"), ("TPOT, 99th percentile", "tpot_ns", "p99")])


def _rate(name: str, result: Result, key: str) -> Headline:
    value = result.figures[key]
    return Headline(
        name,
        fmt.number(value.value),
        fmt.beside(fmt.interval(value.low, value.high), result.unanswered_words),
        f"{value.source}: {value.formula}",
        value.unit,
    )


def _percentile(name: str, value: Distribution, percentile: str) -> Headline:
    low, high = fmt.percentile_interval(value, percentile)
    text = fmt.ms(getattr(value, percentile))
    return Headline(name, text, fmt.interval(low, high, "ms"), f"{value.source}: {value.formula}", "ms")


def _what(analysis: RunAnalysis) -> str:
    record = analysis.record
    given = record.target_qps and record.scenario != "Offline"  # there it is LoadGen's guess, and no load
    load = f", target {fmt.number(record.target_qps)} samples/s" if given else ""
    load = f", load: {record.shape.title}" if record.shape is not None else load
    served = served_on(record.endpoints, record.served_models, nodes_of([analysis.system]))
    return (
        f"{served}; {record.scenario} {record.mode} run of "
        f"{fmt.count(record.issued, 'sample')} drawn from {drawn_from(record)}{load}, "
        f"started {fmt.moment(record.started_utc)}."
    )


def _finding_problems(analysis: RunAnalysis) -> list[Problem]:
    return [
        Problem(f.severity, f.title, f.evidence[0].figure + ".", mend(f)) for f in shown_findings(analysis.findings)
    ]
