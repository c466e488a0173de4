"""`assay simulate`."""

from __future__ import annotations

import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """An OpenAI-compatible server with a chosen speed, latency and faults (`assay simulate --help`)."""
    from assay.simulator import main as simulator

    sys.exit(simulator(list(arguments), prog="assay simulate"))
