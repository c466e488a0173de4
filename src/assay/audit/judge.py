"""The audit itself: what lies at a path, every rule on it, and the report."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from assay.analysis.ceilings import combine, find_accelerator, find_model, precision_of
from assay.audit.curves import NOT_JUDGED
from assay.audit.evidence import Evidence, Origin, RunEvidence, Signature
from assay.audit.hardware import achieved, limits, output_tokens
from assay.audit.readers.campaign import read_campaign_folder
from assay.audit.readers.claims import read_claims
from assay.audit.readers.curves import read_endpoints_submissions
from assay.audit.readers.endpoints import ACCURACY_RESULTS, RESULT_SUMMARY
from assay.audit.readers.loadgen import DETAIL, SUMMARY, is_log_folder
from assay.audit.readers.run_folder import is_run_folder, read_run, read_runs
from assay.audit.readers.submitters import read_submitters
from assay.audit.readers.tree import is_result_folder, read_tree, result_folders
from assay.audit.registry import all_rules, every_run
from assay.audit.spans import Span
from assay.audit.verdicts import SEVERITY, AuditFinding, AuditReport, Judgement, RunRow
from assay.errors import UserError
from assay.runs import CampaignFolder

_NAMED = 3


@dataclass(frozen=True)
class AuditOptions:
    """What the user knows that the files don't say; it fills gaps and overrides nothing.

    `accelerators` are (name, count) of the whole system, by names of the table. `signature` is what somebody who knows
    the keys found of a campaign's manifest. `submitted_to` is the round, v6.0 or later, that a results tree is a whole
    submission to, so that what is missing of one is a finding.
    """

    accelerators: tuple[tuple[str, int], ...] = ()
    model: str | None = None
    precision: str | None = None
    signature: Signature | None = None
    submitted_to: str | None = None


def audit_path(path: Path, options: AuditOptions | None = None) -> AuditReport:
    """Judge what lies at `path`: a run folder, a campaign, LoadGen logs, a results tree or a claims file.

    Raises UserError where there is nothing to judge or it can't be read.
    """
    path = Path(path)
    of_round = options.submitted_to if options is not None else None
    endpoints = read_endpoints_submissions(path) if of_round is not None else []
    if endpoints and not result_folders(path):  # whose points lack their results
        evidence = Evidence(str(path), "MLPerf Endpoints results")
    else:
        evidence = read_evidence(path)
    if options is not None:
        _fill(evidence, options)
    if of_round is not None:
        evidence.submitted_to, evidence.endpoints = of_round, endpoints
        evidence.submitters = read_submitters(path, of_round)
    return judge(evidence)


def read_evidence(path: Path) -> Evidence:
    """The evidence at a path, by what the path is. Raises UserError."""
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder")
    if path.is_file():
        return _read_file(path)
    if CampaignFolder(path).state.is_file():
        return read_campaign_folder(path)
    if is_run_folder(path):
        return read_run(path)
    if is_result_folder(path):
        return read_tree(path, [path])
    return _read_below(path)


def _read_below(path: Path) -> Evidence:
    """Run folders at any depth, and LoadGen's logs that belong to none of them."""
    runs = sorted(record.parent for record in path.rglob("run.json") if is_log_folder(record.parent))
    evidence = read_runs(runs, path, "run folders")
    logs = [folder for folder in result_folders(path) if folder not in set(runs)]
    if not logs and not runs and (campaigns := [str(state.parent) for state in path.rglob("campaign.json")]):
        named = ", ".join(sorted(campaigns)[-_NAMED:])
        raise UserError(f"{path}: holds campaigns; give the path of one, such as {named}")
    if logs or not runs:
        tree = read_tree(path, logs)
        evidence.kind = tree.kind if not runs else "run folders and LoadGen logs"
        evidence.runs += tree.runs
        evidence.texts += tree.texts
    return evidence


def _read_file(path: Path) -> Evidence:
    if path.name in (SUMMARY, DETAIL, RESULT_SUMMARY, ACCURACY_RESULTS):
        return read_evidence(path.parent)
    if path.suffix in (".yaml", ".yml", ".json"):
        return read_claims(path)
    raise UserError(f"{path}: not a claims file (.yaml) or LoadGen log ({SUMMARY}, {DETAIL}), and not a folder")


def judge(evidence: Evidence) -> AuditReport:
    """Apply every rule."""
    findings = [finding for rule in all_rules() for finding in rule.apply(evidence)]
    by_run: dict[str, list[AuditFinding]] = defaultdict(list)
    for finding in findings:
        by_run[finding.subject].append(finding)
    rows = [_row(run, by_run[run.name]) for run in every_run(evidence)]
    return AuditReport(
        path=evidence.path,
        kind=evidence.kind,
        manifest=_manifest_words(evidence),
        rows=rows,
        findings=findings,
        not_judged=list(NOT_JUDGED) if evidence.endpoints else [],
    )


def _manifest_words(evidence: Evidence) -> str:
    """Of the campaign, or of the one run that was asked about; each run's own is among the findings."""
    if evidence.manifest is not None:
        signer = evidence.signature.signer if evidence.signature else ""
        return evidence.manifest.words + (f"; signed by {signer}" if signer else "")
    only = evidence.runs[0].manifest if len(evidence.runs) == 1 else None
    return only.words if only is not None else ""


def _row(run: RunEvidence, findings: list[AuditFinding]) -> RunRow:
    verdicts = [finding.verdict for finding in findings]
    used = achieved(run)
    bound = limits(run) if run.performance else None
    duration = run.duration_s or run.wall_clock_s
    return RunRow(
        run=run.name,
        where=run.where,
        scenario=run.scenario,
        mode=run.mode,
        result=_result_words(run),
        samples=run.samples.completed,
        duration_s=_finite(duration),
        samples_per_s=_finite(run.samples_per_s),
        tokens_per_s=_finite(run.tokens_per_s),
        ceiling_samples_per_s=_finite(bound.generous.samples_per_s if bound else None),
        mbu=_finite(used.mbu if used else None),
        mfu=_finite(used.mfu if used else None),
        utilisation_arithmetic=_utilisation_words(run),
        verdict=max(verdicts, key=SEVERITY.__getitem__, default=Judgement.SUPPORTED),
        findings=sum(verdict is not Judgement.SUPPORTED for verdict in verdicts),
        notes=run.notes,
    )


def _finite(value: Span | float | None) -> float | None:
    """A number that JSON can hold."""
    number = value.value if isinstance(value, Span) else value
    return number if number is not None and math.isfinite(number) else None


def _result_words(run: RunEvidence) -> str | None:
    """LoadGen's word; of a run folder the harness's own, for LoadGen's VALID alone isn't MLPerf's."""
    if run.origin is Origin.RUN:
        return run.verdict_words or None
    logged = (run.detail.result if run.detail else None) or (run.summary.result if run.summary else None)
    return logged or ("VALID (claimed)" if run.claims_valid else None)


def _utilisation_words(run: RunEvidence) -> list[str]:
    used = achieved(run)
    if used is None:
        return []
    hardware = combine(run.hardware, run.precision)
    words = [f"MFU = {used.mfu_arithmetic} = {used.mfu:.4g}"]
    if used.mbu is not None:
        words.append(f"MBU = {used.mbu_arithmetic} = {used.mbu:.4g}")
    words += [f"hardware: {source}" for source in hardware.sources]
    if hardware.measured:
        words.append("measured by a micro-benchmark: a speed that was reached, not the most that there is")
    if run.division == "open":
        words.append("open division: the model may be another than the benchmark's")
    if output_tokens(run) is None or run.mean_input_tokens is None:
        words.append("tokens a sample are partly the data set's, not the run's own")
    if run.hardware_guessed:
        words.append("accelerators guessed from the folder's name")
    return words


def _fill(evidence: Evidence, options: AuditOptions) -> None:
    parts = []
    for name, count in options.accelerators:
        accelerator = find_accelerator(name)
        if accelerator is None:
            raise UserError(f"accelerator {name!r} is not in the table; describe it in a claims file")
        parts.append((accelerator, count))
    model = find_model(options.model) if options.model else None
    if options.model and model is None:
        raise UserError(f"model {options.model!r} is not in the table; give its config.json in a claims file")
    evidence.signature = options.signature
    for run in evidence.runs:
        if not run.hardware or run.hardware_guessed:
            run.hardware, run.hardware_guessed = (parts, False) if parts else (run.hardware, run.hardware_guessed)
        run.model = run.model or model
        run.precision = run.precision or precision_of(options.precision)
