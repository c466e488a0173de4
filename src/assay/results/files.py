"""Tables as files: Parquet with everything, CSV with all but the lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from assay.errors import UserError
from assay.results.campaign import LoadedCampaign

Form = Literal["csv", "parquet"]
_FORMULA = r"^[=+\-@\t\r]"
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection); some of the text is the servers'."""

TABLES: dict[str, Callable[[LoadedCampaign], Iterable[pa.Table]]] = {
    "runs": lambda campaign: [campaign.figures()],
    "requests": lambda campaign: (batch for run in campaign.runs for batch in run.request_batches()),
    "telemetry": lambda campaign: (run.telemetry() for run in campaign.runs),
}
"""File: its rows, some at a time."""


def write_tables(campaign: LoadedCampaign, form: Form, folder: Path) -> list[Path]:
    """Write every table of which there are rows; returns the files. They come all together, or none does.

    Raises UserError where a file is there already, can't be written, or a run can't be read.
    """
    paths = {name: folder / f"{name}.{form}" for name in TABLES}
    if there := [str(path) for path in paths.values() if path.exists()]:
        raise UserError(f"{', '.join(there)}: there already; name another folder with --output")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [path for name, path in paths.items() if _write(TABLES[name](campaign), form, _partial(path))]
        for path in written:
            _partial(path).replace(path)
        return written
    except OSError as error:
        raise UserError(f"{error.filename or folder}: {error.strerror or error}") from None
    finally:
        for path in paths.values():
            with suppress(OSError):  # what went wrong is told already
                _partial(path).unlink()


def _partial(path: Path) -> Path:
    """Where a file is until all are whole."""
    return path.with_name(f".{path.name}.partial")


def _write(tables: Iterable[pa.Table], form: Form, path: Path) -> bool:
    rows = (table for table in tables if len(table))
    first = next(rows, None)
    if first is None:
        return False
    _WRITERS[form](path, itertools.chain([first], rows))
    return True


def _write_parquet(path: Path, tables: Iterator[pa.Table]) -> None:
    first = next(tables)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        for table in itertools.chain([first], tables):
            writer.write_table(table)


def _write_csv(path: Path, tables: Iterator[pa.Table]) -> None:
    first = _flat(next(tables))
    with pacsv.CSVWriter(path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(_flat(table))


def _flat(table: pa.Table) -> pa.Table:
    """Without lists, and with text that no spreadsheet takes for a formula."""
    columns: dict[str, Any] = {}
    for field in table.schema:
        if pa.types.is_list(field.type):
            continue
        column = table[field.name]
        if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type):
            text = column.cast(pa.string())
            column = pc.if_else(
                pc.match_substring_regex(text, _FORMULA), pc.binary_join_element_wise("'", text, ""), text
            )
        columns[field.name] = column
    return pa.table(columns)


_WRITERS: dict[Form, Callable[[Path, Iterator[pa.Table]], None]] = {"csv": _write_csv, "parquet": _write_parquet}
