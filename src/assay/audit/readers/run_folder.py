"""Evidence from run folders: what result.json states, and the same computed again from the records."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from assay.analysis.ceilings import Accelerator, find_accelerator, find_model, precision_of
from assay.audit.evidence import Evidence, Origin, Rated, RunEvidence, SampleCounts, Spread, Wording
from assay.audit.facts import facts_of
from assay.audit.readers.folder import read_facts
from assay.audit.readers.loadgen import is_log_folder, read_log_folder
from assay.audit.spans import Span
from assay.benchmarks import copy_of, run_benchmark
from assay.errors import UserError
from assay.runs import Ledger, Result, RunFolder, RunRecord, RunStatus, check_run
from assay.runs.reading import read_record
from assay.runs.result import Distribution
from assay.runs.stored import read_model
from assay.runs.system import SystemRecord

M = TypeVar("M", bound=BaseModel)

_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p97": 97.0, "p99": 99.0, "p99_9": 99.9}
_SPREADS = {"latency": "latency_ns", "ttft": "ttft_ns", "tpot": "tpot_ns"}
_FINISHED = (RunStatus.COMPLETED, RunStatus.INVALID)


def is_run_folder(folder: Path) -> bool:
    return RunFolder(folder).record.is_file()


def read_run(folder: Path) -> Evidence:
    """One run folder. Raises UserError where run.json can't be read."""
    evidence = Evidence(path=str(folder), kind="run folder")
    evidence.runs = [_run(RunFolder(folder), evidence)]
    return evidence


def read_runs(folders: list[Path], path: Path, kind: str) -> Evidence:
    """Several run folders together."""
    evidence = Evidence(path=str(path), kind=kind)
    for folder in folders:
        try:
            evidence.runs.append(_run(RunFolder(folder), evidence))
        except UserError as error:
            evidence.unreadable.append(Wording(str(folder), str(error)))
    return evidence


def _run(folder: RunFolder, evidence: Evidence) -> RunEvidence:
    record = read_record(folder)
    run = RunEvidence(name=record.id, origin=Origin.RUN, where=folder.id)
    run.scenario, run.mode, run.benchmark = record.scenario, record.mode, record.benchmark
    run.simulated = record.simulated or any(endpoint.simulated for endpoint in record.endpoints)
    run.manifest = check_run(folder, record)
    run.shape = record.shape
    run.loadgen_drove = record.driver == "loadgen"
    try:
        benchmark = run_benchmark(folder)
        run.rules = facts_of(benchmark)
        if record.dataset_tokens_sha256 is not None:
            run.copy = copy_of(benchmark, record.dataset_tokens_sha256)
            run.named_official = record.dataset_name == benchmark.dataset.title
    except UserError as error:
        run.damage.append(str(error).splitlines()[0])
    run.finished = record.status in _FINISHED
    client = record.client
    run.delay_ns = float((client.completion_hop_max_ns or 0) + max(client.loop_lag_max_ns.values(), default=0))
    ledger = _optional(folder.ledger, Ledger, run)
    result = _optional(folder.result, Result, run)
    run.rests_on = _rests_on(folder, record, result)
    if ledger:
        run.samples = SampleCounts(ledger.issued, ledger.completed, ledger.failed, ledger.lost)
        run.ledger = ledger
    if result:
        _result(run, result, folder, evidence)
    elif record.status in _FINISHED and not folder.result.exists():
        run.damage.append(f"{folder.result.name} is missing")
    if is_log_folder(folder.path):
        logged = read_log_folder(folder.path)
        run.summary, run.detail, run.logged = logged.summary, logged.detail, logged
        if run.finished:
            run.damage += logged.damage
    run.folder = read_facts(folder, record, result, ledger, run)
    _engine(run, record)
    _hardware(run, record, folder)
    _measure(run, folder)
    return run


def _rests_on(folder: RunFolder, record: RunRecord, result: Result | None) -> dict[str, tuple[bool, str]]:
    files = {
        folder.ledger: "what became of each sample",
        folder.requests: "rates, duration, token counts and latencies",
        folder.progress: "the course of the load",
        folder.config: "the settings",
        folder.system: "what it ran on",
    }
    if "without telemetry" not in record.closed:
        files[folder.telemetry] = "utilisation, power, clocks and the engines' own counts"
    if record.driver == "loadgen":
        files[folder.loadgen_summary] = "LoadGen's verdict"
        files[folder.loadgen_detail] = "LoadGen's settings, errors and count of samples"
        if record.mode == "accuracy":
            files[folder.loadgen_accuracy] = "the scores"
    if folder.accuracy.exists() or (result is not None and result.accuracy is not None):
        files |= {folder.accuracy: "the scores", folder.answers: "each answer's score"}
    return {path.name: (path.is_file(), what) for path, what in files.items()}


def _result(run: RunEvidence, result: Result, folder: RunFolder, evidence: Evidence) -> None:
    figures = result.figures
    place = f"{folder.id}/{folder.result.name}"
    for name, key in (
        ("duration_s", "duration_s"),
        ("samples_per_s", "samples_per_s"),
        ("tokens_per_s", "output_tokens_per_s"),
        ("output_tokens", "output_tokens"),
        ("mean_output_tokens", "mean_output_tokens"),
        ("mean_input_tokens", "mean_input_tokens"),
    ):
        if key in figures:
            setattr(run, name, Span.near(figures[key].value, 1e-6))
    run.duration_source = "result.json"
    if "window_s" in figures:
        run.rated = Rated(
            Span.near(figures["window_s"].value, 1e-6),
            figures["window_samples"].value,
            Span.exact(figures["window_output_tokens"].value) if "window_output_tokens" in figures else None,
        )
    run.verdict_words = result.verdict.words
    run.loadgen_word = result.loadgen.result
    run.claims_valid = result.verdict.valid
    run.claims_mlperf = result.verdict.valid and result.official
    for name, key in _SPREADS.items():
        if key in result.latency:
            _spread(getattr(run, name), result.latency[key])
    for endpoint in result.endpoints:
        part = RunEvidence(name=f"{run.name}: {endpoint.endpoint}", origin=Origin.RUN, where=place)
        part.samples = SampleCounts(completed=endpoint.samples)
        part.scenario, part.mode, part.nodes = run.scenario, run.mode, [endpoint.node]
        part.finished = run.finished
        if endpoint.samples_per_s:
            part.samples_per_s = Span.near(endpoint.samples_per_s.value, 1e-6)
        if endpoint.output_tokens_per_s:
            part.tokens_per_s = Span.near(endpoint.output_tokens_per_s.value, 1e-6)
        # Where the rates are over a part of the samples, the counts of all don't go with them.
        if run.rated is None and endpoint.output_tokens is not None:
            part.output_tokens = Span.exact(endpoint.output_tokens)
        run.parts.append(part)
    if result.accuracy:
        run.quality.samples = result.accuracy.samples
        run.quality.scores = {name: score.value for name, score in result.accuracy.scores.items()}
        run.quality.passed = result.accuracy.gate == "pass"
    words = [("verdict", result.verdict.words), *(("notice", notice) for notice in result.notices)]
    words += [(name, repr(figure.value)) for name, figure in figures.items()]
    evidence.texts += [Wording(f"{place}: {name}", text) for name, text in words]


def _spread(spread: Spread, data: Distribution) -> None:
    spread.n = data.n
    spread.min, spread.max = Span.exact(data.min), Span.exact(data.max)
    spread.mean = Span.near(data.mean, 1e-6, 1.0)
    spread.percentiles = {share: Span.exact(getattr(data, name)) for name, share in _PERCENTILES.items()}


def _engine(run: RunEvidence, record: RunRecord) -> None:
    """What the endpoints were told; a setting counts where all of them share it."""
    settings = [endpoint.settings for endpoint in record.endpoints]
    served = find_model(record.served_models[0]) if len(record.served_models) == 1 else None
    run.model = served or find_model(record.model) or find_model(record.benchmark)
    run.engines = max(len(record.endpoints), 1)
    run.nodes = sorted({endpoint.node for endpoint in record.endpoints})
    run.concurrency = sum(endpoint.window or 0 for endpoint in record.endpoints) or None
    run.window_bounds_service_only = True
    words = {str(item.get(key)) for item in settings for key in ("precision", "dtype", "quantization") if item.get(key)}
    named = {precision_of(word) for word in words} - {None}
    run.precision = named.pop() if len(named) == 1 else None
    cached = [bool(item["prefix_caching"]) for item in settings if "prefix_caching" in item]
    run.prefix_caching = any(cached) if cached else None
    run.cached_input = 1.0 if run.prefix_caching else 0.0
    run.outputs.limit = record.max_tokens
    run.outputs.endless = record.api is not None and record.api.ignore_eos


def _hardware(run: RunEvidence, record: RunRecord, folder: RunFolder) -> None:
    """Accelerators by name, each endpoint's its own; for a CPU-only machine its measured limits."""
    names = [name for endpoint in record.endpoints for name in endpoint.accelerators]
    found = [find_accelerator(name) for name in names]
    known = [item for item in found if item is not None]
    if names and len(known) == len(names):
        run.hardware = [(item, 1) for item in known]
        return
    system = _optional(folder.system, SystemRecord, run)
    if not names and not run.simulated and system and system.cpu_ceiling and len(run.nodes) <= 1:
        ceiling = cpu_accelerator(system.cpu_ceiling)
        if ceiling:
            run.hardware = [(ceiling, 1)]
        else:
            run.notes.append("cpu_ceiling in system.json can't be read")


def cpu_accelerator(data: dict[str, Any]) -> Accelerator | None:
    """The measured limits of a CPU that system.json holds; None where they aren't that."""
    try:
        return Accelerator.model_validate(
            {k: v for k, v in data.items() if k in Accelerator.model_fields} | {"measured": True}
        )
    except ValidationError:
        return None


def _measure(run: RunEvidence, folder: RunFolder) -> None:
    if not folder.requests.exists() or not run.finished:
        return
    from assay.audit.readers.requests import measure

    try:
        run.measured = measure(folder.requests, run)
    except UserError as error:
        run.damage.append(str(error))
    except (OSError, ValueError, KeyError) as error:
        run.damage.append(f"{folder.requests.name}: can't be read: {error}")


def _optional(path: Path, kind: type[M], run: RunEvidence) -> M | None:
    """A file that a crash or a hand may have spoilt: its damage is evidence too."""
    try:
        return read_model(path, kind)
    except UserError as error:
        run.damage.append(str(error).splitlines()[0])
        return None
