"""`assay init`."""

from __future__ import annotations

from pathlib import Path

import click

from assay.commands.options import PATH


@click.command()
@click.argument("file", type=PATH, default=Path("assay.yaml"))
@click.option("--ssh", "hosts", multiple=True, metavar="[USER@]HOST[:PORT]", help="A node; may be repeated.")
@click.option("--force", is_flag=True, help="Write over an existing file.")
def init(file: Path, hosts: tuple[str, ...], force: bool) -> None:
    """Write a commented configuration for this machine, or for the hosts given; detects accelerators."""
    from assay.commands.starter import write_starter

    click.echo(write_starter(file, hosts, force=force))
