"""What a run folder's files say of the same things."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from assay.analysis import summarise
from assay.audit.evidence import RunEvidence
from assay.audit.folder import FolderFacts
from assay.audit.readers.answers import read_answers
from assay.audit.readers.rows import read_rows
from assay.benchmarks import benchmark_names
from assay.errors import AssayError, UserError
from assay.runs import Ledger, Result, RunFolder, RunRecord, RunStatus, read_object, read_telemetry
from assay.runs.client_bound import client_times
from assay.runs.progress import ProgressEvent, ProgressReader
from assay.runs.record import REFUSED
from assay.safe_yaml import read_yaml


def read_facts(
    folder: RunFolder, record: RunRecord, result: Result | None, ledger: Ledger | None, run: RunEvidence
) -> FolderFacts:
    """The folder's files; what can't be read is noted as the run's damage."""
    facts = FolderFacts(folder, record, result, ledger)
    facts.config = read_config(folder.config, run.damage)
    facts.names = _names(facts)
    refused = record.status is RunStatus.FAILED and record.reason.startswith(REFUSED)
    if not run.finished and not refused:
        return facts
    if not refused:
        facts.derived = _derived(folder)  # before the records are read: both at once take twice the memory
    if folder.requests.exists():
        try:
            facts.rows = read_rows(folder.requests, answers=run.mode == "accuracy")
            facts.client_times = client_times(folder)
        except UserError:  # noted where they are measured
            facts.rows = None
    facts.end = _end(folder)
    if refused:  # its records say why, and no figure is stated
        return facts
    facts.telemetry_ns = _telemetry(folder, run)
    if run.mode == "accuracy":
        read_answers(facts, run)
    return facts


def _derived(folder: RunFolder) -> Result | None:
    try:
        return summarise(folder)
    except AssayError:  # a file that is damaged or missing: noted where it is read
        return None


def _telemetry(folder: RunFolder, run: RunEvidence) -> tuple[int, int] | None:
    if not folder.telemetry.exists():
        return None
    try:
        times = read_telemetry(folder.telemetry)["time_ns"]
    except (UserError, KeyError) as error:
        run.damage.append(str(error))
        return None
    ends = pc.min_max(times).as_py()
    return None if ends["min"] is None else (ends["min"], ends["max"])


def _end(folder: RunFolder) -> ProgressEvent | None:
    try:
        newest = ProgressReader(folder.progress, late=True).poll()  # a day's events are too many to read for the last
    except UserError:  # early versions wrote it in another form
        return None
    return next((event for event in reversed(newest) if isinstance(event, ProgressEvent)), None)


def _names(facts: FolderFacts) -> dict[str, dict[str, str]]:
    """What each file calls a thing, by thing and file; files that don't name it are left out."""
    folder, record, result, config = facts.folder, facts.record, facts.result, facts.config
    names: dict[str, dict[str, str]] = defaultdict(dict)
    things = ("benchmark", "scenario", "mode", "driver", "status", "official")
    for thing in things:
        names[thing][folder.record.name] = str(getattr(record, thing))
        if result is not None:
            names[thing][folder.result.name] = str(getattr(result, thing))
    names["run"][folder.record.name] = record.id
    if result is not None:
        names["run"][folder.result.name] = result.run
    engine = config.get("engine")
    if isinstance(engine, dict):
        for thing, word, values in (
            ("engine", engine.get("kind"), {endpoint.engine for endpoint in record.endpoints}),
            (
                "served model",
                engine.get("served_model_name") or engine.get("model"),
                {endpoint.model for endpoint in record.endpoints},
            ),
        ):
            if isinstance(word, str) and len(values) == 1:
                names[thing] |= {folder.config.name: word, folder.record.name: values.pop()}
    if config.get("benchmark") in benchmark_names():
        names["benchmark"][folder.config.name] = str(config["benchmark"])
    campaign = config.get("campaign")
    if isinstance(campaign, dict) and isinstance(campaign.get("seed"), int) and record.schedule_seed is not None:
        names["schedule seed"] = {
            folder.record.name: str(record.schedule_seed),
            f"{folder.config.name}, and the repeat,": str(campaign["seed"] + record.repeat),
        }
    if isinstance(config.get("official"), bool) and record.shape is None and not record.planning:
        names["official"][folder.config.name] = str(config["official"])
    definition = _definition(folder)
    if "name" in definition:
        names["benchmark"][folder.benchmark.name] = str(definition["name"])
    if record.served_models and definition.get("starting_weights"):
        names["model"] = {
            folder.benchmark.name: str(definition["starting_weights"]),
            folder.record.name: record.model,
        }
    return names


def read_config(path: Path, damage: list[str]) -> dict[str, Any]:
    """config.yaml as plain data; empty where it isn't there or can't be read, which is added to `damage`."""
    if not path.exists():
        return {}
    try:
        data = read_yaml(path).data
    except UserError as error:
        damage.append(str(error).splitlines()[0])
        return {}
    return data if isinstance(data, dict) else {}


def _definition(folder: RunFolder) -> dict[str, Any]:
    try:
        return read_object(folder.benchmark) or {}
    except UserError:  # noted where the definition is read
        return {}
