"""A campaign's folder as Python sees it: its runs, and their tables in Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.analysis.curve import Curve, curve_measured
from assay.analysis.load_runs import measured_loads
from assay.analysis.rate_answer import RateAnswer, rate_answer
from assay.results.figures import figures_row, table_of
from assay.runs import (
    REQUESTS_SCHEMA,
    TELEMETRY_SCHEMA,
    CampaignFolder,
    CampaignState,
    Result,
    RunEntry,
    RunFolder,
    RunRecord,
    read_campaign,
    read_record,
    read_request_batches,
    read_result,
    read_telemetry,
)

RUN = pa.field("run", pa.dictionary(pa.int32(), pa.string()), nullable=False)
"""The first column of every table: which run a row is of."""


@dataclass(frozen=True)
class LoadedRun:
    """One run that has begun."""

    folder: RunFolder
    entry: RunEntry
    record: RunRecord
    result: Result | None
    """None where the run isn't closed."""

    @property
    def id(self) -> str:
        return self.folder.id

    def requests(self, columns: Sequence[str] | None = None) -> pa.Table:
        """One row an attempt (docs/run-folder.md), after the run's name; only `columns`, if given.

        Raises UserError where `requests.parquet` can't be read.
        """
        return _joined(self.request_batches(columns), _wanted(columns))

    def request_batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The same, some thousand rows at a time; nothing of a run that sent nothing."""
        if self.folder.requests.exists():
            for batch in read_request_batches(self.folder.requests, _names(columns)):
                yield _of_run(self.id, batch)

    def telemetry(self) -> pa.Table:
        """Node, metric, time (ns, the controller's monotonic clock), value. Raises UserError where it can't be read."""
        found = [read_telemetry(self.folder.telemetry)] if self.folder.telemetry.exists() else []
        return _joined((_of_run(self.id, table) for table in found), TELEMETRY_SCHEMA)


@dataclass(frozen=True)
class LoadedCampaign:
    """A campaign. Its tables have a row's run in the first column; those that have begun are in it."""

    folder: CampaignFolder
    state: CampaignState
    runs: tuple[LoadedRun, ...]

    def figures(self) -> pa.Table:
        """A row a run: what it was, its figures and percentiles with their 95 % intervals, its scores, its verdict."""
        return table_of([figures_row(self.state, run.entry, run.folder, run.result) for run in self.runs])

    def requests(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Every run's attempts; `columns` keep memory small, those of chunks are by far the largest."""
        return _joined((batch for run in self.runs for batch in run.request_batches(columns)), _wanted(columns))

    def rate(self) -> RateAnswer | None:
        """What a search for a rate found, from its runs' records; None: it is no search.

        Raises UserError where a file of a run is damaged.
        """
        return rate_answer(self.folder, self.state) if self.state.kind == "tune-rate" else None

    def curve(self) -> Curve | None:
        """Throughput against pace; None: fewer than two numbers in flight have tokens and a pace, or it is a search
        through settings, in which these differ.

        Raises UserError where a file of a run is damaged.
        """
        if self.state.kind == "tune-engine":
            return None
        return curve_measured(measured_loads(self.folder, self.state))

    def telemetry(self) -> pa.Table:
        """Every run's telemetry."""
        return _joined((run.telemetry() for run in self.runs), TELEMETRY_SCHEMA)


def load_campaign(path: str | PathLike[str]) -> LoadedCampaign:
    """Read a campaign's folder; its tables are read when they are asked for.

    Raises UserError where it is no campaign, or a file of it is damaged.
    """
    folder = CampaignFolder(Path(path))
    state = read_campaign(folder)
    return LoadedCampaign(folder, state, tuple(_runs(folder, state)))


def _runs(folder: CampaignFolder, state: CampaignState) -> Iterator[LoadedRun]:
    for entry in state.runs:
        if entry.run is not None and (run := folder.run(entry.run)).record.exists():
            yield LoadedRun(run, entry, read_record(run), read_result(run))


def _names(columns: Sequence[str] | None) -> list[str]:
    return list(REQUESTS_SCHEMA.names) if columns is None else list(columns)


def _wanted(columns: Sequence[str] | None) -> pa.Schema:
    return pa.schema([REQUESTS_SCHEMA.field(name) for name in _names(columns)])


def _of_run(run: str, table: pa.Table) -> pa.Table:
    names = pa.DictionaryArray.from_arrays(pa.array([0] * len(table), pa.int32()), [run])
    return table.add_column(0, RUN, names)


def _joined(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """One table, whose dictionaries are one as well; empty where there is nothing."""
    whole = pa.schema([RUN, *schema])
    found: list[Any] = [table.cast(whole) for table in tables]
    return pa.concat_tables(found).unify_dictionaries() if found else whole.empty_table()
