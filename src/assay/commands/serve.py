"""`assay serve`."""

from __future__ import annotations

import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(arguments: tuple[str, ...]) -> None:
    """The embedded engine alone, as a server to try things on (`assay serve --help`)."""
    from assay.engines.embedded.server import main

    def announce(url: str) -> None:
        click.echo(f"embedded endpoint: {url}")

    sys.exit(main(arguments, prog="assay serve", ready=announce))
