"""Whether a result may be called VALID: LoadGen's word, and every condition that LoadGen doesn't check."""

from __future__ import annotations

from dataclasses import dataclass

from assay.analysis.advice import early_stopping, mends
from assay.analysis.mlperf_rules import departures
from assay.benchmarks import UNVERIFIED, Benchmark, Copy, ScenarioSpec, copy_of
from assay.benchmarks.mlperf import ROUND, RULES, llm_facts
from assay.digits import number_text
from assay.errors import UserError
from assay.runs.folder import RunFolder
from assay.runs.ledger import Ledger
from assay.runs.loadgen_logs import LoadgenDetail, read_detail, read_summary
from assay.runs.record import RunRecord, RunStatus
from assay.runs.result import AccuracyResult, Distribution, LoadgenVerdict, Verdict

SHORT_RUN = "short run: not valid for MLPerf"
LOADGEN = "LoadGen"
"""How the reason begins that LoadGen gives."""
SHORT_VALID = "VALID by the short run's own settings, which aren't MLPerf's"
"""What LoadGen's VALID means of a run that isn't official: it knows only the settings that it is given."""
PLANNING = "planning run: no result, it says what to ask of others"
PACER_DROVE = "driven by Assay's pacer: not an MLPerf scenario"
FINISHED = (RunStatus.COMPLETED, RunStatus.INVALID)
UNFINISHED = {
    RunStatus.FAILED: "failed",
    RunStatus.TIMEOUT: "took longer than it was given",
    RunStatus.INTERRUPTED: "was interrupted",
    RunStatus.INCOMPLETE: "has no end",
    RunStatus.SKIPPED: "was left out",
}
"""What became of a run without a result, to be said of it."""


@dataclass(frozen=True)
class Case:
    """What the verdict rests on."""

    record: RunRecord
    ledger: Ledger | None
    benchmark: Benchmark
    loadgen: LoadgenVerdict
    detail: LoadgenDetail | None
    latency: dict[str, Distribution]
    accuracy: AccuracyResult | None
    rows: int | None
    server: tuple[str, ...] = ()
    """What the server's replies hold against the figures."""
    compliance: tuple[str, ...] = ()
    """What a compliance test holds against the answers of its run."""

    @property
    def copy(self) -> Copy | None:
        """Whether the samples are the benchmark's; None where it asks for none in particular."""
        return copy_of(self.benchmark, self.record.dataset_tokens_sha256 or "")

    @property
    def spec(self) -> ScenarioSpec | None:
        return self.benchmark.scenarios.get(self.record.scenario)


def random_weights(record: RunRecord) -> bool:
    """Some endpoint's engine was told to make weights up instead of loading the model's."""
    return any(endpoint.settings.get("load_format") == "dummy" for endpoint in record.endpoints)


def read_loadgen(folder: RunFolder) -> tuple[LoadgenVerdict, LoadgenDetail | None]:
    """What LoadGen's logs say; missing or cut files give what there is, and a reason."""
    verdict = LoadgenVerdict(result=None)
    detail = None
    try:
        summary = read_summary(folder.loadgen_summary)
        verdict.result = summary.result
        verdict.reasons += summary.reasons + early_stopping(summary) + summary.problems
        verdict.metrics = {name: float(value) for name, value in summary.metrics.items()}
        verdict.errors, verdict.warnings = summary.errors or 0, summary.warnings or 0
    except UserError:
        verdict.reasons.append(f"{folder.loadgen_summary.name} is missing")
    try:
        detail = read_detail(folder.loadgen_detail)
        # The detail log counts what the summary of an aborted or accuracy run doesn't tell.
        verdict.errors = max(verdict.errors, detail.error_count)
        verdict.warnings = max(verdict.warnings, detail.warning_count)
        verdict.reasons += detail.problems
        verdict.settings = detail.effective
    except UserError:
        verdict.reasons.append(f"{folder.loadgen_detail.name} is missing")
    return verdict, detail


def judge(case: Case) -> Verdict:
    """The verdict with every reason against VALID. The words are those that each page shows.

    Nothing is valid on data that isn't known to be the benchmark's without that being said.
    """
    verdict = _judge(case)
    if verdict.valid and case.copy == "unverified":
        verdict.words += f"; data set: {UNVERIFIED}"
    return verdict


def _judge(case: Case) -> Verdict:
    record = case.record
    if record.status not in FINISHED:
        reason = f": {record.reason.splitlines()[0]}" if record.reason else ""  # the others are ends of logs
        return Verdict(
            valid=False, words=f"{record.status}: no result", reasons=[f"the run {UNFINISHED[record.status]}{reason}"]
        )
    accounting = accounting_problems(case)
    if accounting:
        return Verdict(valid=False, words="not accounted for: no result", reasons=accounting)
    if record.driver == "pacer":
        return Verdict(valid=False, words=PACER_DROVE, reasons=["only LoadGen drives MLPerf's scenarios"])
    if record.planning:
        return Verdict(valid=False, words=PLANNING, reasons=["its settings are short, to plan official runs by"])
    reasons = _conditions(case)
    if record.mode == "accuracy":
        return _accuracy_verdict(case, reasons)
    if test := record.compliance:
        return _compliance_verdict(test, case, [*reasons, *case.compliance])
    if case.loadgen.result != "VALID":
        said = case.loadgen.result or "gave no verdict"
        asked = [f"set {mend.words}" for mend in mends(case.loadgen, record, case.spec)]
        words = [said, *case.loadgen.reasons, *asked]
        reasons.insert(0, f"{LOADGEN}: {'; '.join(words)}")
    reasons += limit_problems(case)
    return _performance_verdict(case, reasons)


def _performance_verdict(case: Case, reasons: list[str]) -> Verdict:
    if not case.record.official:
        invalid = " (LoadGen: INVALID)" if case.loadgen.result == "INVALID" else ""
        return Verdict(valid=False, words=SHORT_RUN + invalid, reasons=["the run is short by its settings", *reasons])
    if not reasons:
        return Verdict(valid=True, words="VALID")
    if case.loadgen.result == "VALID":
        return Verdict(valid=False, words=f"not valid, though LoadGen says VALID: {reasons[0]}", reasons=reasons)
    return Verdict(valid=False, words=case.loadgen.result or "no verdict from LoadGen", reasons=reasons)


def _compliance_verdict(test: str, case: Case, reasons: list[str]) -> Verdict:
    """A compliance test says nothing about speed: neither limits of latency nor LoadGen's word bind its 100 queries."""
    if not case.record.official:
        return Verdict(
            valid=False, words=f"{SHORT_RUN}; {test} run", reasons=["the run is short by its settings", *reasons]
        )
    if reasons:
        return Verdict(valid=False, words=f"{test} run, not passed: {reasons[0]}", reasons=reasons)
    return Verdict(valid=True, words=f"{test} run, passed")


def _accuracy_verdict(case: Case, reasons: list[str]) -> Verdict:
    gate = case.accuracy.gate if case.accuracy else case.benchmark.unscored
    if gate != "pass":
        reasons.append(f"quality gate: {gate}")
    if not case.record.official:
        reasons.insert(0, "the run is short by its settings")
        return Verdict(valid=False, words=f"{SHORT_RUN}; accuracy run, quality gate: {gate}", reasons=reasons)
    return Verdict(valid=not reasons, words=f"accuracy run, quality gate: {gate}", reasons=reasons)


def accounting_problems(case: Case) -> list[str]:
    """What keeps the figures from being reported at all."""
    ledger, rows = case.ledger, case.rows
    if ledger is None:
        return ["ledger.json is missing: what became of the samples isn't known"]
    problems = [f"ledger: {problem}" for problem in ledger.problems]
    if ledger.issued != ledger.completed + ledger.failed + ledger.lost:
        problems.append(
            f"ledger: {ledger.issued} issued is not "
            f"{ledger.completed} completed + {ledger.failed} failed + {ledger.lost} lost"
        )
    if rows is None:
        problems.append("requests.parquet is missing: there is nothing to compute from")
    elif rows != ledger.completed:
        problems.append(f"requests.parquet has {rows} completed samples, ledger.json {ledger.completed}")
    return problems


def limit_problems(case: Case) -> list[str]:
    """Latency limits of the scenario that don't hold over our own times (LoadGen doesn't know Interactive's)."""
    spec = case.spec
    if spec is None:
        return []
    limits = {"ttft_ns": ("TTFT", spec.ttft_limit_ns), "tpot_ns": ("TPOT", spec.tpot_limit_ns)}
    found = []
    for key, (name, limit) in limits.items():
        if limit is None:
            continue
        measured = case.latency.get(key)
        if measured is None:
            found.append(f"{name}: not measured, and {case.record.scenario} limits its 99th percentile")
        elif measured.p99 > limit:
            p99, most = number_text(measured.p99 / 1e6), number_text(limit / 1e6)
            found.append(f"{name} p99 is {p99} ms, {case.record.scenario}'s limit is {most} ms")
    return found


def _conditions(case: Case) -> list[str]:
    """Conditions of every mode beyond LoadGen's own verdict."""
    record, ledger, spec = case.record, case.ledger, case.spec
    found = []
    if case.loadgen.errors:
        found.append(f"{case.loadgen.errors} errors in LoadGen's log")
    if case.detail is None:
        found.append("LoadGen's detail log is missing")
    elif not case.detail.complete:
        found.append("LoadGen's detail log has no end")
    if ledger is not None and ledger.failed + ledger.lost:
        found.append(f"{ledger.failed} failed and {ledger.lost} lost of {ledger.issued} samples")
    if ledger is not None and ledger.estimated_tokens:
        found.append(f"LoadGen was told chunks as tokens for {ledger.estimated_tokens} samples: the server counts none")
    if ledger is not None and ledger.resent_after_first_token:
        found.append(
            f"{ledger.resent_after_first_token} samples were sent again after LoadGen had their first token: "
            "its TTFT is that of the attempt that failed"
        )
    found += case.server
    timed = record.mode == "performance" and record.compliance is None
    if record.client.client_bound and timed:  # elsewhere the answers count, however late they were asked for
        found.append("the load generator could have shaped the result: " + "; ".join(record.client.reasons))
    if record.simulated:
        found.append("the endpoints are simulated")
    if random_weights(record):
        found.append("the weights are random (load_format: dummy)")
    if not case.benchmark.mlperf:
        found.append(f"{case.benchmark.name} is not an MLPerf benchmark")
    elif (facts := llm_facts(case.benchmark.name)) is not None and facts.last_round != ROUND:
        found.append(f"{RULES} has no {case.benchmark.name}; {facts.last_round} was the last round that had it")
    if spec is None:
        found.append(f"{case.benchmark.name} has no {record.scenario} scenario")
    elif record.official and case.detail is not None:
        samples = case.benchmark.dataset.performance_sample_count
        test = record.compliance
        found += [f"{RULES}: {words}" for words in departures(case.detail, spec, record.mode, samples, test)]
    if case.benchmark.mlperf and record.dataset_generated:
        found.append("the samples are generated, not the benchmark's")
    elif case.copy == "other":
        found.append("the samples are not the benchmark's: their token ids are others")
    whole = case.benchmark.dataset.total_sample_count
    if record.official and whole is not None and record.dataset_samples != whole:
        found.append(f"the data set has {record.dataset_samples} samples, the benchmark's {whole}")
    return found
