"""A dataset in memory: samples, and the facts that identify the file they came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TokenIds = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One prompt with its reference answer."""

    index: int
    """Position in the dataset file, from 0: LoadGen's `qsl_idx`."""
    input: str
    """The prompt's text."""
    tok_input: TokenIds | None
    """The prompt's token ids, shape (n,), where the file gives them."""
    output: str
    """The reference summary."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The first `len(samples)` of the `total` samples of one file."""

    name: str
    path: Path
    sha256: str
    """Of the whole file, hexadecimal."""
    total: int
    samples: tuple[Sample, ...]
    generated: bool
    """The texts were written by a language model: true of the bundled articles, never of a file the user gives."""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def references(self) -> list[str]:
        """The reference summaries, in the order of the samples."""
        return [sample.output for sample in self.samples]

    @property
    def max_input_tokens(self) -> int | None:
        """Tokens of the longest prompt, or None where a sample has no token ids."""
        lengths = [len(sample.tok_input) for sample in self.samples if sample.tok_input is not None]
        return max(lengths) if lengths and len(lengths) == len(self.samples) else None
