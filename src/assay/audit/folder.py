"""A run folder's files as they were read once, for rules that hold them against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.runs import CampaignState, Ledger, Result, RunFolder, RunRecord
from assay.runs.client_bound import ClientTimes
from assay.runs.progress import ProgressEvent
from assay.runs.result import AccuracyResult
from assay.scoring import Answer, Scorable

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

MISSING = -1


@dataclass(frozen=True, eq=False)
class Words:
    """A column of few different words: of each row the place of its word in `names`; `MISSING` for null."""

    names: Sequence[str]
    codes: NDArray[np.int32]

    def are(self, word: str) -> Mask:
        """Which rows have this word."""
        place = self.names.index(word) if word in self.names else len(self.names)
        return np.asarray(self.codes == place)

    def counts(self, rows: Mask | Ints) -> Counter[str]:
        """How often each word occurs among the rows."""
        codes = self.codes[rows]
        found = np.bincount(codes[codes != MISSING], minlength=len(self.names))
        return Counter({name: int(count) for name, count in zip(self.names, found, strict=True) if count})

    def rows_of(self, words: Sequence[str]) -> list[Ints]:
        """The rows of each word, in order."""
        order = np.argsort(self.codes, kind="stable")
        ends = np.searchsorted(self.codes[order], np.arange(len(self.names) + 1))
        own = {name: order[begin:end] for name, (begin, end) in zip(self.names, pairwise(ends), strict=True)}
        return [own.get(word, order[:0]) for word in words]


@dataclass(frozen=True, eq=False)
class Rows:
    """Every attempt in `requests.parquet`: numbers by column (`MISSING` for null), the rest as words."""

    numbers: Mapping[str, Ints]
    final: Mask
    ok: Mask
    status: Words
    endpoint: Words
    token_source: Words
    chunk_faults: Mapping[str, int]
    """Answers whose chunks contradict the rest of their row, by what is wrong."""
    answers: Mapping[int, frozenset[bytes]]
    """For each sample of the data set the answers to it, as the bytes of their token ids; in accuracy runs alone."""

    def __len__(self) -> int:
        return len(self.final)

    def __getitem__(self, column: str) -> Ints:
        return self.numbers[column]

    @cached_property
    def samples(self) -> Ints:
        """The ids of all samples, each once, in order."""
        ids = np.sort(self["sample_id"])
        distinct: Ints = ids[np.diff(ids, prepend=ids[:1] - 1) != 0]
        return distinct

    @property
    def good(self) -> Mask:
        """The attempts that answered a sample."""
        return self.final & self.ok

    @property
    def start_ns(self) -> Ints:
        """When each sample was due, or issued where nothing was due."""
        return np.where(self["scheduled_ns"] != MISSING, self["scheduled_ns"], self["issued_ns"])


@dataclass
class FolderFacts:
    """What a run folder holds. None: not there, or it can't be read (which is a finding of its own)."""

    folder: RunFolder
    record: RunRecord
    result: Result | None = None
    ledger: Ledger | None = None
    rows: Rows | None = None
    derived: Result | None = None
    """What result.json would be, computed from the other files."""
    client_times: ClientTimes | None = None
    """What the client's own figures are held against, from the records."""
    end: ProgressEvent | None = None
    """The last line of progress.jsonl that counts samples."""
    config: dict[str, Any] = field(default_factory=dict)
    """config.yaml as plain data."""
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each file calls a thing: benchmark, scenario, mode, …; by thing, then file."""
    telemetry_ns: tuple[int, int] | None = None
    """The first and the last time in telemetry.parquet."""
    logged_answers: dict[int, Answer] | None = None
    """LoadGen's accuracy log, by sample."""
    answers: list[Scorable] | None = None
    """answers.jsonl; its tokens aren't known."""
    accuracy: AccuracyResult | None = None
    printed_scores: dict[str, float] = field(default_factory=dict)
    """accuracy.txt's."""

    @property
    def has_user_conf(self) -> bool:
        """Whether the user gave LoadGen settings of his own, which win over the plan's."""
        loadgen = self.config.get("loadgen")
        return isinstance(loadgen, dict) and loadgen.get("user_conf") is not None


@dataclass
class CampaignFacts:
    """What a campaign's folder says of its runs."""

    state: CampaignState
    folders: set[str]
    """The folders in runs/ that hold a run that ended."""
    config: dict[str, Any]
    config_sha256: str | None
