"""Where samples come from: one file a format. A new format is a file with a `RowFormat`, entered in `FORMATS`."""

from __future__ import annotations

from collections.abc import Sequence

from assay.datasets.sources import articles, mlperf, mooncake, prompts, sharegpt
from assay.datasets.sources.rows import Row
from assay.datasets.sources.source import Reading, Request, RowFormat
from assay.errors import UserError

# In the order in which rows are tried; the first that fits reads them.
FORMATS: dict[str, RowFormat] = {
    module.FORMAT.name: module.FORMAT for module in (articles, sharegpt, mooncake, prompts, mlperf)
}


def format_of(rows: Sequence[Row], name: str | None) -> RowFormat:
    """The format called `name`, else the one that fits the first row. Raises `UserError` where there is none."""
    if name is not None:
        if name not in FORMATS:
            raise UserError(f"dataset.format: there is no format {name!r}; known are {', '.join(sorted(FORMATS))}.")
        return FORMATS[name]
    fields = rows[0].fields
    for known in FORMATS.values():
        if known.fits(fields):
            return known
    layouts = "; ".join(f"{known.name}: {known.fields}" for known in FORMATS.values())
    raise UserError(
        f"{rows[0].where}: it has the fields {', '.join(sorted(fields)) or 'none'}, which are of no known format "
        f"({layouts}). Where the fields are called otherwise, map them with dataset.fields."
    )


__all__ = ["FORMATS", "Reading", "Request", "RowFormat", "format_of"]
