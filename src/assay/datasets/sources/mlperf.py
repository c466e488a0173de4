"""MLPerf's layout: `{"input": text, "tok_input": [token ids], "output": text}`; the last two may be absent.

The text is `text_input` in the files of deepseek-r1 and gpt-oss-120b. Ids, which the latter's may call `input_tokens`,
can stand alone: requests carry nothing else. The reference is `gt_output` in llama3.1-405b's file, whose `metric` says
how an answer is held against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.datasets.model import Sample, TokenIds
from assay.datasets.sources.rows import Row
from assay.datasets.sources.source import Reading, Request, RowFormat
from assay.errors import UserError

_TEXT = ("input", "text_input")
_IDS = ("tok_input", "input_tokens")
_MAX_TOKEN_ID = np.iinfo(np.int32).max


def has_token_ids(fields: Mapping[str, Any]) -> bool:
    """Whether a row has the token ids of its prompt, as no other layout has."""
    return any(name in fields for name in _IDS)


def _read(rows: Sequence[Row], request: Request) -> Reading:
    return Reading([_sample(row, index) for index, row in enumerate(rows)])


def _sample(row: Row, index: int) -> Sample:
    ids = next((_token_ids(row.fields[name], name, row.where) for name in _IDS if row.has(name)), None)
    text = row.optional_text(*_TEXT)
    if text is None and ids is None:
        text = row.text(_TEXT[0])  # which says what is missing
    return Sample(
        index=index,
        prompt=text,
        tok_input=ids,
        reference=row.optional_text("output", "gt_output"),
        metric=row.optional_text("metric") or "",
    )


def _token_ids(value: Any, name: str, where: str) -> TokenIds:
    if isinstance(value, np.ndarray):
        whole = value.dtype.kind in "iu" and value.size > 0
    else:  # type() rather than isinstance: JSON's true is an int to Python, but no token id
        whole = isinstance(value, list) and bool(value) and all(type(item) is int for item in value)
    if not whole:
        raise UserError(f"{where}: the field {name!r} must be a list of token ids that isn't empty.")
    if min(value) < 0 or max(value) > _MAX_TOKEN_ID:
        raise UserError(f"{where}: the field {name!r} has an id outside 0 to {_MAX_TOKEN_ID}.")
    return np.array(value, dtype=np.int32)


def _fits(fields: Mapping[str, Any]) -> bool:
    return has_token_ids(fields) or (any(name in fields for name in _TEXT) and "instruction" not in fields)


FORMAT = RowFormat(
    name="mlperf",
    fields="input or text_input, or tok_input or input_tokens, perhaps output",
    fits=_fits,
    read=_read,
)
