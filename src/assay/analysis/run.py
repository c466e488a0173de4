"""Everything that is known of one run, in one place: what its report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.analysis.alert_findings import with_alerts
from assay.analysis.finding import Finding, gravest_first
from assay.analysis.findings import find
from assay.analysis.hardware import Telemetry
from assay.analysis.latency import LatencyAnalysis, Limits, analyse_latency
from assay.analysis.nodes import Symmetry, symmetry
from assay.analysis.phases import Phases, phases
from assay.analysis.projection import WHOLE, Projection, course, project
from assay.analysis.samples import Samples
from assay.analysis.statistics import Ints
from assay.analysis.summary import summarise_samples
from assay.analysis.timeline import Timeline, timeline
from assay.analysis.tokens import TokenAnalysis, analyse_tokens
from assay.analysis.waiting import waiting
from assay.analysis.whole_set import whole_set
from assay.benchmarks import Benchmark
from assay.errors import UserError
from assay.runs.alerts import read_alerts
from assay.runs.folder import RunFolder
from assay.runs.ledger import Ledger
from assay.runs.manifest import sha256_of
from assay.runs.record import RunRecord
from assay.runs.result import Result
from assay.runs.scenarios import is_paced
from assay.runs.shapes import RampShape
from assay.runs.stored import read_model
from assay.runs.system import SystemRecord


@dataclass
class RunAnalysis:
    """One run, analysed. What needs samples is None or empty where the run has no reportable ones."""

    folder: RunFolder
    benchmark: Benchmark
    record: RunRecord
    result: Result
    ledger: Ledger | None
    system: dict[str, Any]
    files: list[tuple[str, int, str]]
    manifest_sha256: str | None
    samples: Samples | None = None
    timeline: Timeline | None = None
    phases: Phases | None = None
    nodes: Symmetry | None = None
    latency: LatencyAnalysis = field(default_factory=LatencyAnalysis)
    itl_counts: Ints | None = None
    tokens: TokenAnalysis | None = None
    telemetry: Telemetry | None = None
    projections: list[Projection] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def nodes_in_order(self) -> list[str]:
        """The nodes' names, sorted: the order of tables and colours."""
        return sorted({endpoint.node for endpoint in self.record.endpoints})


def analyse_run(folder: RunFolder, limits: Mapping[str, Limits] | None = None) -> RunAnalysis:
    """Analyse a run folder; a pure function of its files.

    Args:
        folder: the run.
        limits: the user's own TTFT and TPOT limits for goodput, by name.

    Raises:
        UserError: a file is missing that every run has, or can't be read.
    """
    summary = summarise_samples(folder)
    record, ledger, result = summary.record, summary.ledger, summary.result
    analysis = RunAnalysis(
        folder, summary.benchmark, record, result, ledger, _system(folder), _files(folder), sha256_of(folder.manifest)
    )
    if summary.samples is not None:
        analysis.itl_counts = summary.itl_counts
        _with_samples(analysis, summary.samples, limits)
    found = find(
        record,
        result,
        ledger,
        analysis.phases,
        analysis.nodes,
        analysis.tokens,
        summary.told,
        analysis.telemetry,
        summary.held,
        waiting(analysis.samples, record),
        _cores(analysis.system),
    )
    analysis.findings = gravest_first(with_alerts(found, result.run, read_alerts(folder.alerts)))
    return analysis


def _cores(system: Mapping[str, Any]) -> int | None:
    """Of the machine that sent the load."""
    controller = system.get("controller")
    count = controller.get("cpu_count") if isinstance(controller, dict) else None
    return count if isinstance(count, int) else None


def _with_samples(analysis: RunAnalysis, samples: Samples, limits: Mapping[str, Limits] | None) -> None:
    folder, record, benchmark = analysis.folder, analysis.record, analysis.benchmark
    if folder.telemetry.exists():
        analysis.telemetry = Telemetry(folder.telemetry, samples.begin_ns, samples.end_ns)
    analysis.samples = samples
    analysis.timeline = timeline(samples)
    if not isinstance(record.shape, RampShape):  # its load never is steady
        analysis.phases = phases(samples, record.scenario)
    analysis.nodes = symmetry(samples, record, analysis.telemetry, analysis.system)
    issued = analysis.ledger.issued if analysis.ledger else len(samples)
    analysis.latency = analyse_latency(samples, benchmark.scenarios.get(record.scenario), issued, limits)
    analysis.tokens = analyse_tokens(folder.requests, samples, record.max_tokens, benchmark, analysis.result.accuracy)
    analysis.projections = _projections(samples, record, benchmark, analysis.result.unanswered_words)


def measures_speed(record: RunRecord) -> bool:
    """Whether the run's rate is how fast the endpoints are: not under a given load, and not in accuracy mode."""
    given = is_paced(record.scenario) or record.scenario == "Sessions" or isinstance(record.shape, RampShape)
    return record.mode == "performance" and not given


def _projections(samples: Samples, record: RunRecord, benchmark: Benchmark, unanswered: str) -> list[Projection]:
    """For all endpoints together, and for each where there are several; under a given load no rate is a speed."""
    whole = whole_set(record, benchmark)
    if whole is None or not measures_speed(record):
        return []
    courses = {WHOLE: course(samples)}
    if len(samples.endpoints) > 1:
        for name, own in zip(samples.endpoints, samples.of_endpoint, strict=True):
            if len(own):
                courses[f"{name}, at its rate in this run"] = course(own, samples.begin_ns)
    found = (project(name, whole, [own], unanswered) for name, own in courses.items() if own is not None)
    return [projection for projection in found if projection is not None]


def _system(folder: RunFolder) -> dict[str, Any]:
    record = read_model(folder.system, SystemRecord)
    return {} if record is None else record.model_dump(mode="json", exclude_unset=True)


def _files(folder: RunFolder) -> list[tuple[str, int, str]]:
    """Name, size and SHA-256 of each file that the analysis reads."""
    read = (
        folder.config, folder.benchmark, folder.system, folder.record, folder.ledger, folder.requests, folder.telemetry,
        folder.alerts, folder.accuracy, folder.loadgen_summary, folder.loadgen_detail,
    )  # fmt: skip
    try:
        found = [(path, sha256_of(path)) for path in read]
    except OSError as error:
        raise UserError(f"{error.filename}: can't be read: {error.strerror or error}") from None
    return [(path.name, path.stat().st_size, sha256) for path, sha256 in found if sha256 is not None]
