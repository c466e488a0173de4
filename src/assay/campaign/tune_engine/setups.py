"""A configuration with other settings and servers: what one run of a search is carried out with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from assay.config import Config
from assay.errors import UserError
from assay.runs import RunEntry
from assay.runs.setups import setup_words, with_setup


def config_of_run(config: Config, entry: RunEntry) -> Config:
    """The campaign's configuration with what is the run's own. Raises UserError for settings that don't go together."""
    if entry.as_configured:
        return config
    try:
        return config_with(config, entry.settings, entry.servers, entry.server_nodes)
    except ValidationError as error:
        words = setup_words(entry.settings, entry.servers, server_nodes=entry.server_nodes)
        raise UserError(f"{words}: {first_words(error)}") from None


def config_with(
    config: Config, settings: Mapping[str, Any], servers: int | None, server_nodes: int | None = None
) -> Config:
    """Raises pydantic's ValidationError for values that the options don't take."""
    return Config.model_validate(with_setup(config.model_dump(mode="json"), settings, servers, server_nodes))


def first_words(error: ValidationError) -> str:
    """What is wrong, without pydantic's own words around it."""
    words = error.errors()[0]["msg"].removeprefix("Value error, ")
    return words[:1].lower() + words[1:]
