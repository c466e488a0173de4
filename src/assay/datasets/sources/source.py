"""What a format is: how its rows are told from others', and how they become samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.benchmarks import Benchmark
from assay.config_dataset import DatasetConfig
from assay.datasets.lengths import TokenCounter
from assay.datasets.model import Sample
from assay.datasets.sources.rows import Row


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, and what helps to make it."""

    benchmark: Benchmark
    config: DatasetConfig
    counter: TokenCounter | None
    """Counts a prompt's tokens as the server will; None: nothing can."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading or making."""

    samples: Sequence[Sample]
    note: str = ""
    """For reports: how lengths were made, what was left out."""
    tokens_sha256: str = ""
    """Of all samples that a file holds, whatever is asked for; empty where one has no token ids."""


@dataclass(frozen=True, slots=True)
class RowFormat:
    """A format whose entries are rows of named fields, in a file or from the hub."""

    name: str
    """As `dataset.format` names it."""
    fields: str
    """Which fields a row has, for messages."""
    fits: Callable[[Mapping[str, Any]], bool]
    """Whether a row with these fields is of this format."""
    read: Callable[[Sequence[Row], Request], Reading]
    """Raises `UserError` by the row's name."""
    generates: bool = False
    """The prompts' texts aren't in the rows but are made."""
