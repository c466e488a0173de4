"""Reads the JSON files of a run as models."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from assay.errors import UserError
from assay.runs.folder import RunFolder
from assay.runs.record import RunRecord

M = TypeVar("M", bound=BaseModel)


def read_model(path: Path, kind: type[M]) -> M | None:
    """Read a JSON file as a model; None where there is no file. Raises UserError where it can't be read."""
    try:
        return kind.model_validate(orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, orjson.JSONDecodeError) as error:
        raise UserError(f"{path}: can't be read as {kind.__name__}: {error}") from None


def read_record(folder: RunFolder) -> RunRecord:
    """Read `run.json`. Raises UserError where there is none or it can't be read."""
    record = read_model(folder.record, RunRecord)
    if record is None:
        raise UserError(f"{folder.path}: not a run folder (no {folder.record.name})")
    return record
