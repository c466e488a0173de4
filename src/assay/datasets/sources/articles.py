"""Articles to summarise: `{"id", "article", "highlights"}`; the benchmark's template makes an article a prompt."""

from __future__ import annotations

from collections.abc import Sequence

from assay.datasets.model import Sample
from assay.datasets.sources.rows import Row
from assay.datasets.sources.source import Reading, Request, RowFormat
from assay.errors import UserError


def article_texts(rows: Sequence[Row]) -> list[str]:
    """The text of every article. Raises `UserError` where an id occurs twice."""
    seen: dict[str, str] = {}
    texts = []
    for row in rows:
        identity = row.text("id")
        if identity in seen:
            raise UserError(f"{row.where}: id {identity!r} was already used in {seen[identity]}.")
        seen[identity] = row.where.rpartition(", ")[2]
        texts.append(row.text("article"))
    return texts


def _read(rows: Sequence[Row], request: Request) -> Reading:
    return Reading(
        [
            Sample(index=index, prompt=request.benchmark.prompt(text), reference=row.optional_text("highlights"))
            for index, (row, text) in enumerate(zip(rows, article_texts(rows), strict=True))
        ]
    )


FORMAT = RowFormat(
    name="articles",
    fields="id and article, perhaps highlights",
    fits=lambda fields: "article" in fields,
    read=_read,
)
