"""MLPerf's JSON layout: `{"input": text, "tok_input": [token ids], "output": text}`; the last two may be absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assay.datasets.model import Sample, TokenIds
from assay.datasets.sources.rows import Row
from assay.datasets.sources.source import Reading, Request, RowFormat
from assay.errors import UserError

_MAX_TOKEN_ID = np.iinfo(np.int32).max


def _read(rows: Sequence[Row], request: Request) -> Reading:
    return Reading(
        [
            Sample(
                index=index,
                prompt=row.text("input"),
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


FORMAT = RowFormat(
    name="mlperf",
    fields="input, perhaps tok_input and output",
    fits=lambda fields: "input" in fields and "instruction" not in fields,
    read=_read,
)
