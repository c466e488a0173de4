"""The group, and which questions it has."""

from __future__ import annotations

import click

from assay.commands.lazy import LazyGroup

TUNES = {
    "curve": ("curve", "Throughput against pace: points with a fixed number in flight, up to saturation."),
    "engine": ("engine", "The engine's best settings and layout for Offline throughput, against those in use."),
}


@click.group(cls=LazyGroup, package="assay.commands.tune", listed=TUNES)
def tune() -> None:
    """Search: throughput against pace, up to saturation; an engine's best settings and layout."""
