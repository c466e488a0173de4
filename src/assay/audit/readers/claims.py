"""Evidence from a claims file: figures that somebody typed from a report. The schema is in docs/audit.md."""

from __future__ import annotations

import re
from pathlib import Path

from assay.analysis.ceilings import (
    Accelerator,
    ModelShape,
    custom_accelerator,
    find_accelerator,
    find_model,
    precision_of,
    read_model_config,
)
from assay.audit.evidence import Evidence, Origin, RunEvidence, Spread, Wording
from assay.audit.facts import dataset_facts, facts_named
from assay.audit.readers.costs import COST_FIELDS, read_costs
from assay.audit.readers.derived import read_derived, run_named
from assay.audit.readers.fields import UNITS_NS, Fields, texts
from assay.audit.readers.loadgen import is_log_folder, read_log_folder
from assay.audit.spans import Span
from assay.errors import UserError
from assay.safe_yaml import read_yaml
from assay.scoring import metrics

_PERCENTILE = re.compile(r"p(\d{1,2}(?:[._]\d+)?)$")
_TOP = {"version", "title", "source", "system", "model", "dataset", "engine", "runs", "derived", "statements"}
_RUN = {
    *("name", "nodes", "accelerators", "scenario", "samples", "duration", "samples_per_s", "tokens_per_s"),
    *("output_tokens", "mean_output_tokens", "mean_input_tokens", "concurrency", "success_rate", "latency", "ttft"),
    *("tpot", "memory_used", "mbu", "mfu", "utilisation", "valid", "mlperf", "benchmark", "accuracy", "outputs"),
    *("parts", "log", "simulated", "goodput", "started", "ended", *COST_FIELDS),
}


def read_claims(path: Path) -> Evidence:
    """Read a claims file. Raises UserError naming the field that is wrong."""
    data = read_yaml(path, as_text=True).data  # every number as it was typed: 1.00 is more precise than 1
    if not isinstance(data, dict) or not isinstance(data.get("runs"), list):
        raise UserError(f"{path}: not a claims file: it needs a list called 'runs' (assay's docs/audit.md shows one)")
    evidence = Evidence(path=str(path), kind="claims file")
    evidence.texts = [Wording(place, text) for place, text in texts(data, str(path))]
    top = Fields(data, str(path))
    top.only(_TOP)
    common = _Common(top, path)
    for number, item in enumerate(data["runs"]):
        fields = top.child(item, f"runs[{number}]")
        evidence.runs.append(_run(fields, common, number))
    by_name = {run.name: run for run in evidence.runs}
    if len(by_name) != len(evidence.runs):
        raise UserError(f"{path}: runs: two have the same name")
    for number, (item, run) in enumerate(zip(data["runs"], evidence.runs, strict=True)):
        fields = top.child(item, f"runs[{number}]")
        run.parts = [run_named(by_name, name, fields, "parts") for name in fields.names("parts")]
    for number, item in enumerate(top.items("derived")):
        read_derived(evidence, by_name, top.child(item, f"derived[{number}]"), common.dataset_samples)
    if not evidence.runs:
        raise UserError(f"{path}: 'runs' is empty: there is nothing to judge")
    return evidence


class _Common:
    """What all runs of the file share."""

    def __init__(self, top: Fields, path: Path) -> None:
        self.folder = path.parent
        system, model, engine = (top.section(name) for name in ("system", "model", "engine"))
        self.accelerators = _accelerators(system)
        self.nodes = system.integer("nodes")
        self.precision = precision_of(model.text("precision"))
        self.model = _model(model, self.folder)
        dataset = top.section("dataset")
        self.dataset = dataset_facts(dataset.text("name"))
        self.dataset_samples = dataset.integer("samples") or (self.dataset.samples if self.dataset else None)
        self.input_tokens = dataset.span("mean_input_tokens")
        self.output_tokens = dataset.span("mean_output_tokens")
        self.prefix_caching = engine.flag("prefix_caching")
        self.speculative = _most(engine.span("speculative_tokens"))
        self.replicas = engine.integer("replicas")
        self.limit = engine.integer("max_output_tokens")
        for section, known in (
            (system, {"accelerators", "nodes", "name"}),
            (model, {"name", "precision", "config"}),
            (engine, {"name", "prefix_caching", "speculative_tokens", "max_output_tokens", "replicas"}),
            (dataset, {"name", "samples", "mean_input_tokens", "mean_output_tokens"}),
        ):
            section.only(known)


def _most(stated: Span | None) -> float | None:
    """Of tokens a step the most that the number may stand for; a whole one is that many."""
    if stated is None:
        return None
    return stated.value if stated.value.is_integer() else stated.high


def _accelerators(fields: Fields) -> list[tuple[Accelerator, int]]:
    found = []
    for number, item in enumerate(fields.items("accelerators")):
        entry = fields.child(item if isinstance(item, dict) else {"name": item}, f"accelerators[{number}]")
        count = entry.integer("count") or 1
        name = entry.text("name") or ""
        accelerator = find_accelerator(name)
        if "bandwidth_gb_s" in entry.data:
            own = {key: value for key, value in entry.data.items() if key != "count"}
            accelerator = custom_accelerator(own, entry.where)
        if accelerator is not None:
            found.append((accelerator, count))
    return found


def _model(fields: Fields, folder: Path) -> ModelShape | None:
    config = fields.text("config")
    if config:
        return read_model_config(folder / config)
    name = fields.text("name")
    return find_model(name) if name else None


def _run(fields: Fields, common: _Common, number: int) -> RunEvidence:
    fields.only(_RUN)
    run = RunEvidence(name=fields.text("name") or f"run {number + 1}", origin=Origin.CLAIMS, where=fields.where)
    log = fields.text("log")
    if log:
        folder = common.folder / log
        if not is_log_folder(folder):
            raise UserError(f"{fields.where}: log: no LoadGen logs in {folder}")
        logged = read_log_folder(folder)
        run.summary, run.detail = logged.summary, logged.detail
        run.logged = logged
    run.scenario, run.benchmark = fields.text("scenario"), fields.text("benchmark")
    run.rules = facts_named(run.benchmark, scenario=run.scenario)
    run.nodes = fields.names("nodes")
    _counts(run, fields)
    run.duration_s = fields.seconds("duration")
    run.duration_source = "stated"
    for name in ("samples_per_s", "tokens_per_s", "output_tokens", "mean_output_tokens", "mean_input_tokens"):
        setattr(run, name, fields.span(name))
    run.concurrency = fields.integer("concurrency")
    run.goodput_per_s = fields.span("goodput")
    run.began, run.ended = fields.moment("started"), fields.moment("ended")
    run.costs = read_costs(fields)
    for name in ("success_rate", "mbu", "mfu", "utilisation"):
        setattr(run, name, fields.share(name))
    run.memory_used = fields.bytes("memory_used")
    for spread in (run.latency, run.ttft, run.tpot):
        _spread(spread, fields.section(spread.name.lower()), run.samples.completed)
    run.claims_valid = bool(fields.flag("valid"))
    run.claims_mlperf = bool(fields.flag("mlperf")) or run.claims_valid
    run.simulated = bool(fields.flag("simulated"))
    _quality(run, fields.section("accuracy"))
    _outputs(run, fields.section("outputs"), common)
    _hardware(run, fields, common)
    return run


def _counts(run: RunEvidence, fields: Fields) -> None:
    if isinstance(fields.data.get("samples"), dict):
        section = fields.section("samples")
        section.only({"assigned", "completed", "failed", "lost"})
        for name in ("assigned", "completed", "failed", "lost"):
            setattr(run.samples, name, section.integer(name))
    else:
        run.samples.completed = fields.integer("samples")


def _spread(spread: Spread, fields: Fields, n: int | None) -> None:
    unit = UNITS_NS.get(fields.text("unit") or "", None)
    if fields.data and "unit" in fields.data and unit is None:
        raise UserError(f"{fields.where}: unit: give one of {', '.join(UNITS_NS)}")
    for key in fields.data:
        match = _PERCENTILE.match(key)
        value = None if key in ("unit", "n") else fields.nanoseconds(key, unit)
        if match and value is not None:
            spread.percentiles[float(match[1].replace("_", "."))] = value
        elif key in ("min", "max", "mean", "std"):
            setattr(spread, key, value)
        elif not match and key not in ("unit", "n"):
            raise UserError(
                f"{fields.where}: {key!r} is not one of min, max, mean, std, n, unit, p50, p99, p99.9 and so on"
            )
    if spread:
        spread.n = fields.integer("n") or n


def _quality(run: RunEvidence, fields: Fields) -> None:
    stated = {"samples", "passed"}
    fields.only(stated | metrics().keys())
    run.quality.samples = fields.integer("samples")
    run.quality.passed = fields.flag("passed")
    for name in fields.data.keys() - stated:
        value = fields.span(name)
        if value is not None:
            run.quality.scores[name] = value.value


def _outputs(run: RunEvidence, fields: Fields, common: _Common) -> None:
    fields.only({"limit", "eos", "length", "other", "longest"})
    run.outputs.limit = fields.integer("limit") or common.limit
    run.outputs.ended_by_eos = fields.integer("eos")
    run.outputs.ended_by_limit = fields.integer("length")
    run.outputs.longest = fields.integer("longest")
    other = fields.integer("other")
    if other:
        run.outputs.ended_otherwise = {"other": other}


def _hardware(run: RunEvidence, fields: Fields, common: _Common) -> None:
    """The system's accelerators are a node's; a run has them once a node that it names."""
    run.model, run.precision = common.model, common.precision
    run.prefix_caching = common.prefix_caching
    run.cached_input = 1.0 if common.prefix_caching else 0.0
    run.speculative_tokens = common.speculative
    own = _accelerators(fields)
    nodes = len(run.nodes) or common.nodes or 1
    run.hardware = own or [(item, count * nodes) for item, count in common.accelerators]
    alone = sum(count for _, count in run.hardware) == 1
    run.engines = common.replicas or (1 if alone else None)
    run.mean_input_tokens = run.mean_input_tokens or common.input_tokens
    run.mean_output_tokens = run.mean_output_tokens or common.output_tokens
    run.dataset = common.dataset
    run.dataset_samples = common.dataset_samples
