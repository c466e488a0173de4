"""MLPerf's layout: `{"input": text, "tok_input": [token ids], "output": text}`; the last two may be absent.

deepseek-r1's file calls the text `text_input`.
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
_MAX_TOKEN_ID = np.iinfo(np.int32).max


def _read(rows: Sequence[Row], request: Request) -> Reading:
    return Reading(
        [
            Sample(
                index=index,
                prompt=row.optional_text(*_TEXT) or row.text(_TEXT[0]),  # the second says what is missing
                tok_input=_token_ids(row.fields["tok_input"], row.where) if row.has("tok_input") else None,
                reference=row.optional_text("output"),
            )
            for index, row in enumerate(rows)
        ]
    )


def _token_ids(value: Any, where: str) -> TokenIds:
    # type() rather than isinstance: JSON's true is an int to Python, but no token id.
    if not isinstance(value, list) or not value or any(type(item) is not int for item in value):
        raise UserError(f"{where}: the field 'tok_input' must be a list of token ids that isn't empty.")
    if min(value) < 0 or max(value) > _MAX_TOKEN_ID:
        raise UserError(f"{where}: the field 'tok_input' has an id outside 0 to {_MAX_TOKEN_ID}.")
    return np.array(value, dtype=np.int32)


def _fits(fields: Mapping[str, Any]) -> bool:
    return any(name in fields for name in _TEXT) and "instruction" not in fields


FORMAT = RowFormat(
    name="mlperf",
    fields="input or text_input, perhaps tok_input and output",
    fits=_fits,
    read=_read,
)
