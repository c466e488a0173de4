"""Rows of a data set on the Hugging Face hub, to be read as those of a file are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from assay.config_dataset import HubConfig
from assay.datasets.sources.rows import Row, row
from assay.errors import UserError
from assay.extras import require


def hub_rows(hub: HubConfig, first: int | None) -> list[Row]:
    """All rows, or the `first` ones, which are streamed. Raises `UserError` without the extra or the network."""
    without = "Or save the rows as JSON lines elsewhere and give them as dataset.path."
    require("huggingface", f"dataset.hub {hub.name}", without)
    import datasets

    try:
        found = datasets.load_dataset(
            hub.name, hub.config, split=hub.split, revision=hub.revision, streaming=first is not None
        )
        rows: list[Mapping[str, Any]] = list(found if first is None else islice(found, first))
    except Exception as error:  # what a missing network raises depends on the versions of three libraries
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"dataset.hub {hub.name} (split {hub.split}) couldn't be fetched from the Hugging Face hub: {reason} "
            "Without a network: save its rows as JSON lines elsewhere and give them as dataset.path."
        ) from error
    return [row(dict(fields), f"dataset {title(hub)}, row {number}") for number, fields in enumerate(rows, start=1)]


def title(hub: HubConfig) -> str:
    """What the data set is called."""
    return " ".join(part for part in (hub.name, hub.config, hub.split, hub.revision) if part)
