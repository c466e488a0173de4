"""A dataset in memory: samples, and the facts that identify what they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TokenIds = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    """`system`, `user`, `assistant` or `tool`."""
    content: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sample:
    """One request: a prompt or a conversation, or token ids alone, and what is known beside it."""

    index: int
    """Position among the samples, from 0: LoadGen's `qsl_idx`."""
    prompt: str | None = None
    """The prompt's text."""
    messages: tuple[Message, ...] | None = None
    """The conversation up to and with the turn that is to be answered."""
    tok_input: TokenIds | None = None
    """The prompt's token ids, shape (n,), where the file gives them or they were made."""
    reference: str | None = None
    """The reference answer; without it the answer can't be scored."""
    metric: str = ""
    """How the answer is held against the reference, where samples of one data set differ in that."""
    max_tokens: int | None = None
    """Longest answer, tokens; None: the benchmark's."""
    arrival_ns: int | None = None
    """When a trace sends it, ns after the trace's first request."""
    session: str | None = None
    """Which conversation it is a turn of: its turns follow one another in the order of the samples."""
    think_ns: int | None = None
    """How long its user thinks after the answer before it, ns."""

    def __post_init__(self) -> None:
        neither = self.prompt is None and self.messages is None
        if (neither and self.tok_input is None) or (self.prompt is not None and self.messages is not None):
            raise ValueError(f"sample {self.index}: give a prompt or messages, and not both")


def tokens_sha256(samples: Sequence[Sample]) -> str:
    """What samples are recognised by: SHA-256 over each one's number of token ids and the ids, as 32-bit little-endian
    integers. Empty where a sample has no ids, or there is none."""
    digest = hashlib.sha256()
    for sample in samples:
        if sample.tok_input is None:
            return ""
        digest.update(np.int32(len(sample.tok_input)).astype("<i4").tobytes())
        digest.update(sample.tok_input.astype("<i4").tobytes())
    return digest.hexdigest() if samples else ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Dataset:
    """The first `len(samples)` of the `total` samples of one source."""

    name: str
    path: Path | None
    """The file that was read; None: there was none."""
    format: str
    """The source that read or made it, as `dataset.format` names it."""
    sha256: str
    """Of the whole file, hexadecimal; of the samples where they were made or came over the network."""
    total: int
    samples: tuple[Sample, ...]
    generated: bool
    """A language model or a generator wrote the texts: true of the bundled articles, never of a file the user gives."""
    tokens_sha256: str = ""
    """Of the token ids of all `total` samples, hexadecimal (`tokens_sha256`); empty where one has none."""
    note: str = ""
    """How the lengths of generated prompts were made exact or calibrated, and what was left out; for reports."""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def references(self) -> list[str] | None:
        """The reference answers in the order of the samples; None where any is missing: nothing can be scored."""
        found = [sample.reference for sample in self.samples if sample.reference is not None]
        return found if len(found) == len(self.samples) else None

    @property
    def metrics(self) -> list[str]:
        """How each answer is held against its reference, in the order of the samples; empty: all alike."""
        return [sample.metric for sample in self.samples]

    @property
    def max_input_tokens(self) -> int | None:
        """Tokens of the longest prompt, or None where a sample has no token ids."""
        lengths = [len(sample.tok_input) for sample in self.samples if sample.tok_input is not None]
        return max(lengths) if lengths and len(lengths) == len(self.samples) else None
