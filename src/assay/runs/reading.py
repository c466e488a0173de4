"""Reads the files of a run folder that others begin with."""

from __future__ import annotations

from assay.runs.folder import RunFolder
from assay.runs.record import RunRecord
from assay.runs.result import Result
from assay.runs.stored import read_model, require_model


def read_record(folder: RunFolder) -> RunRecord:
    """Read `run.json`. Raises UserError where there is none or it can't be read."""
    return require_model(folder.record, RunRecord, f"{folder.path}: not a run folder (no {folder.record.name})")


def read_result(folder: RunFolder) -> Result | None:
    """Read `result.json`; None where the run isn't closed. Raises UserError where it can't be read."""
    return read_model(folder.result, Result)
