"""`assay init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from assay.commands.options import PATH

_LAUNCHERS = ("local", "ssh", "docker", "slurm", "kubernetes", "torchx")
_ENGINES = ("embedded", "vllm", "external", "simulated")


@click.command()
@click.argument("file", type=PATH, default=Path("assay.yaml"))
@click.option(
    "--launcher", type=click.Choice(_LAUNCHERS), help="Where servers run. [default: ssh with --ssh, else local]"
)
@click.option(
    "--engine", type=click.Choice(_ENGINES), help="What serves. [default: vllm where nodes have accelerators]"
)
@click.option("--ssh", "hosts", multiple=True, metavar="[USER@]HOST[:PORT]", help="A node; may be repeated.")
@click.option("--force", is_flag=True, help="Write over an existing file.")
def init(file: Path, launcher: Any, engine: Any, hosts: tuple[str, ...], force: bool) -> None:
    """Write a commented configuration for this machine, for the hosts given, or for a launcher and an engine.

    It holds what these need, and names its tutorial. Accelerators of this machine and of hosts given are detected.
    Beside it comes the schema by which editors complete and check it.
    """
    from assay.commands.starter import write_starter

    click.echo(write_starter(file, hosts, launcher=launcher, engine=engine, force=force))
