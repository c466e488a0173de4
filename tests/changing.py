"""Runs with other requests than they had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.analysis import summarise
from assay.runs import RequestWriter, RunFolder, read_requests, write_json
from assay.runs.reading import read_record

Change = Callable[[dict[str, Any]], dict[str, Any]]


def changed(folder: RunFolder, change: Change, **record: Any) -> RunFolder:
    """The run with each row as `change` makes it."""
    rows = read_requests(folder.requests).to_pylist()
    with RequestWriter(folder.requests) as writer:
        writer.write({**row, **change(row)} for row in rows)
    write_json(folder.record, read_record(folder).model_copy(update=record))
    write_json(folder.result, summarise(folder))
    return folder
