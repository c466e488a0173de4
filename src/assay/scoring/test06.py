"""TEST06, judged from the answers that LoadGen logged in its run, and in the words that checkers read.

As mlcommons/inference has it (b66003e1, compliance/TEST06): the first token that LoadGen was told is the answer's, an
answer ends in one end-of-sequence token at most, and has as many tokens as were counted. MLCommons' script takes 2 for
that token unless told otherwise, which no Llama 3.1 answer can fail; here it is the benchmark's own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from assay.errors import AssayError
from assay.plain_files import plain

VERDICT_FILE = "verify_accuracy.txt"


@dataclass(frozen=True)
class LoggedAnswer:
    """One answer of LoadGen's accuracy log: token ids, those that came first, and the count that LoadGen was told."""

    ids: tuple[int, ...]
    first: tuple[int, ...] | None
    count: int


@dataclass(frozen=True)
class Test06:
    """What TEST06 found. None: not looked at, as Offline has no first tokens."""

    first_tokens: bool | None
    ends: bool
    lengths: bool

    @property
    def passed(self) -> bool:
        return self.first_tokens is not False and self.ends and self.lengths

    @property
    def failed_checks(self) -> list[str]:
        """The checks that weren't passed, as the verdict names them, in words."""
        named = {"First token check": self.first_tokens, "EOS check": self.ends, "Sample length check": self.lengths}
        return [f"{name} fails" for name, passed in named.items() if passed is False]

    @property
    def text(self) -> str:
        """`verify_accuracy.txt`."""
        first = "Skipped" if self.first_tokens is None else self.first_tokens
        end = "complete" if self.passed else "failed"
        return (
            f"First token check pass: {first}\n"
            f"EOS check pass: {self.ends}\n"
            f"Sample length check pass: {self.lengths}\n"
            f"TEST06 verification {end}\n"
        )


def verify_test06(answers: Sequence[LoggedAnswer], scenario: str, eos_ids: Collection[int]) -> Test06:
    """Judge the answers of a run."""
    ends = set(eos_ids)
    first = None
    if scenario != "Offline":
        first = all(one.first is not None and one.ids[: len(one.first)] == one.first for one in answers)
    return Test06(
        first_tokens=first,
        ends=all(len(one.ids) < 2 or not ends.issuperset(one.ids[-2:]) for one in answers),
        lengths=all(len(one.ids) == one.count for one in answers),
    )


def read_logged_answers(path: Path) -> list[LoggedAnswer]:
    """The answers of `mlperf_log_accuracy.json`. Raises AssayError where it can't be read or holds none."""
    try:
        entries = orjson.loads(plain(path).read_bytes())
        answers = [_answer(entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssayError(f"{path}: no accuracy log of LoadGen: {error}") from None
    if not answers:
        raise AssayError(f"{path}: LoadGen logged no answers")
    return answers


def _answer(entry: dict[str, Any]) -> LoggedAnswer:
    first = entry.get("token_data")
    return LoggedAnswer(
        ids=_ids(entry["data"]), first=None if first is None else _ids(first), count=int(entry["token_count"])
    )


def _ids(data: str) -> tuple[int, ...]:
    return tuple(np.frombuffer(bytes.fromhex(data), dtype="<i4").tolist())
