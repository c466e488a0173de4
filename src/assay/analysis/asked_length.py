"""Answers that were to be as long as their limit (`ignore_eos`), where the server ended them earlier all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from assay.digits import number_text
from assay.runs import RunRecord, answered, read_requests

_FEW = 0.05


def shorter_than_asked(path: Path, record: RunRecord) -> str:
    """What a reader must know of a `requests.parquet`; empty where nothing was asked for, or all but a few are so long.

    Answers whose tokens nobody counted are left out.
    """
    if record.api is None or not record.api.ignore_eos:
        return ""
    table = answered(read_requests(path, ["final", "status", "max_tokens", "output_tokens"]))
    table = table.filter(pc.is_valid(table["output_tokens"]))
    asked = pc.fill_null(table["max_tokens"], record.max_tokens).to_numpy()
    came = table["output_tokens"].to_numpy()
    short = int(np.count_nonzero(came < asked))
    if short <= _FEW * len(came):
        return ""
    return (
        f"Answers are shorter than was asked for (ignore_eos) in {short:,} of {len(came):,}: "
        f"{number_text(came.mean())} tokens on average, {number_text(asked.mean())} asked for; the server "
        "ends them itself."
    )
