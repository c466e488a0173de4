"""The group, and which questions it has."""

from __future__ import annotations

import click

from assay.commands.lazy import LazyGroup

TUNES = {
    "curve": ("curve", "Throughput against pace: points with a fixed number in flight, up to saturation."),
}


@click.group(cls=LazyGroup, package="assay.commands.tune", listed=TUNES)
def tune() -> None:
    """Search: throughput against pace, up to where the server is saturated."""
