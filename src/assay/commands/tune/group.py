"""The group, and which questions it has."""

from __future__ import annotations

import click

from assay.commands.lazy import LazyGroup

TUNES = {
    "rate": ("rate", "The highest rate of arrivals that keeps its limits: found with an interval, and confirmed."),
    "curve": ("curve", "Throughput against pace: points with a fixed number in flight, up to saturation."),
    "engine": ("engine", "The engine's best settings and layout, against those in use."),
}


@click.group(cls=LazyGroup, package="assay.commands.tune", listed=TUNES)
def tune() -> None:
    """Search: the highest rate, throughput against pace, an engine's best settings and layout."""
