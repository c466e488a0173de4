"""`prompt_counts.json`: what a server said of its prompts' tokens as a campaign began, so that resuming asks no more.

Prompts that are made to a length follow from the counts. A server that answers otherwise later, or for a moment not at
all, would make others of them, and the campaign couldn't go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from assay.datasets import CannotCountError
from assay.datasets.lengths import TokenCounter
from assay.runs import Stored


class KeptCounts(Stored):
    """The counts, or why there are none."""

    WHAT: ClassVar[str] = "the counts of a campaign's prompts"
    MEND: ClassVar[str] = "restore it from a copy, or start a new campaign"

    version: int = 1
    source: str | None = Field(default=None, description="how the server knows; null: it wasn't asked, or can't tell")
    exact: bool | None = Field(default=None, description="whether it counts any text at little cost")
    tokens: dict[str, int] = Field(default_factory=dict, description="the beginning of a prompt's SHA-256: its tokens")
    problem: str = Field(default="", description="why it told no more")


class KeepingCounter:
    """A `TokenCounter` that keeps what another one says, and says the same again."""

    def __init__(self, counter: TokenCounter, kept: KeptCounts) -> None:
        self._counter = counter
        self._kept = kept

    @property
    def source(self) -> str:
        self._know()
        assert self._kept.source is not None
        return self._kept.source

    @property
    def exact(self) -> bool:
        self._know()
        assert self._kept.exact is not None
        return self._kept.exact

    def _know(self) -> None:
        kept = self._kept
        if kept.source is None:
            self._stop_where_it_stopped()
            try:
                kept.source, kept.exact = self._counter.source, self._counter.exact
            except CannotCountError as error:
                kept.problem = str(error)
                raise

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As it was counted before, where it was. Raises CannotCountError where that was said before, or is now."""
        tokens, keys = self._kept.tokens, [_key(text) for text in texts]
        if new := {key: text for key, text in zip(keys, texts, strict=True) if key not in tokens}:
            self._know()
            self._stop_where_it_stopped()
            try:
                tokens |= zip(new, self._counter.count_tokens(list(new.values())), strict=True)
            except CannotCountError as error:
                self._kept.problem = str(error)
                raise
        return [tokens[key] for key in keys]

    def _stop_where_it_stopped(self) -> None:
        if self._kept.problem:
            raise CannotCountError(self._kept.problem)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
