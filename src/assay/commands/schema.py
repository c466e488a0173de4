"""`assay schema`."""

from __future__ import annotations

from typing import Any

import click

from assay.commands.options import print_json

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@click.command()
def schema() -> None:
    """Print the JSON schema of assay.yaml, for editors: keys are completed, explained and checked as they are typed.

    `assay init` writes it beside the file that names it.
    """
    print_json(config_schema())


def config_schema() -> dict[str, Any]:
    """What `assay.yaml` may hold, with the meaning of each key."""
    from assay.config import Config

    schema = _untitled(Config.model_json_schema())
    # Users write times with their unit; results hold the same section in ns alone, and their schema says so.
    for limit in schema["$defs"]["Slo"]["properties"].values():
        limit["anyOf"].append({"type": "string"})
    return {"$schema": DIALECT, **schema, "title": "assay.yaml"}


def _untitled(part: Any) -> Any:
    """Without the titles that Pydantic makes of keys: an editor shows the key itself."""
    if isinstance(part, list):
        return [_untitled(each) for each in part]
    if not isinstance(part, dict):
        return part
    # Under `properties` a title is a key of ours.
    return {
        name: {key: _untitled(each) for key, each in value.items()} if name == "properties" else _untitled(value)
        for name, value in part.items()
        if not (name == "title" and isinstance(value, str))
    }
