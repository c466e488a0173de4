"""From LoadGen's accuracy log to answers that can be scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from assay.errors import AssayError
from assay.plain_files import plain
from assay.scoring.model import Scorable

CUT_MARK = b"\n\n...\n\n"
"""What stands where MLPerf submissions leave the middle of a log out."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The answer to one sample: the dataset index and the generated token ids, shape (n,)."""

    qsl_idx: int
    token_ids: NDArray[np.int32]


def read_accuracy_log(path: Path) -> list[Answer]:
    """The answers in `mlperf_log_accuracy.json`, the first for each sample where LoadGen logged several.

    Raises `AssayError` if the file can't be read, has no answers, or was cut for a submission.
    """
    try:
        data = plain(path).read_bytes()
    except OSError as error:
        raise AssayError(f"accuracy log {path}: {error.strerror or error}.") from error
    if CUT_MARK in data:
        raise AssayError(
            f"accuracy log {path} was cut to its two ends, as MLPerf submissions are, and can't be scored. "
            "Give the log as LoadGen wrote it."
        )
    try:
        entries = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise AssayError(f"accuracy log {path} is not JSON: {error}. Did the run end?") from error
    if not isinstance(entries, list) or not entries:
        raise AssayError(f"accuracy log {path} has no answers: LoadGen logs them all in accuracy mode only.")
    first: dict[int, Answer] = {}
    for number, entry in enumerate(entries, start=1):
        answer = _answer(entry, f"accuracy log {path}, entry {number}")
        first.setdefault(answer.qsl_idx, answer)
    return list(first.values())


def _answer(entry: Any, where: str) -> Answer:
    try:
        index, data = entry["qsl_idx"], bytes.fromhex(entry["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise AssayError(f"{where}: expected qsl_idx and data in hexadecimal ({error!r}).") from error
    if not isinstance(index, int) or index < 0 or len(data) % 4:
        raise AssayError(f"{where}: qsl_idx {index!r} with {len(data)} bytes isn't an index with int32 token ids.")
    return Answer(index, np.frombuffer(data, dtype="<i4"))


def scorables(
    path: Path, references: Sequence[str], decode: Callable[[Sequence[int]], str], metrics: Sequence[str] = ()
) -> list[Scorable]:
    """The answers of an accuracy log in words, with their references; `references[i]` belongs to dataset index i.

    `metrics[i]` says how that answer is held against it; none: all alike. `decode` turns token ids into text without
    special tokens, as the model's tokenizer does.
    Raises `AssayError` as `read_accuracy_log`, and if an answer's index is beyond the references.
    """
    answers = read_accuracy_log(path)
    beyond = [answer.qsl_idx for answer in answers if answer.qsl_idx >= len(references)]
    if beyond:
        raise AssayError(
            f"accuracy log {path} answers sample {beyond[0]}, and the dataset has {len(references)}. "
            "Score it with the dataset of the run."
        )
    return [
        Scorable(
            index=answer.qsl_idx,
            answer=decode(answer.token_ids.tolist()),
            reference=references[answer.qsl_idx],
            tokens=len(answer.token_ids),
            metric=metrics[answer.qsl_idx] if metrics else "",
        )
        for answer in answers
    ]
