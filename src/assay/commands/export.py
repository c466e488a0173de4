"""`assay export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from assay.commands.options import PATH, chosen_file, json_option, print_json, set_option


@click.command()
@click.argument("kind", type=click.Choice(["k8s", "slurm", "scripts"]))
@click.argument("file", type=PATH, required=False)
@set_option
@click.option("--output", type=PATH, default=Path("export"), show_default=True)
@json_option
def export(kind: Any, file: Path | None, overrides: tuple[str, ...], output: Path, as_json: bool) -> None:
    """Write FILE's deployment as manifests or scripts for a site's own tooling."""
    from assay.config import dump_config, load_config
    from assay.deploy.export import export_files, write_files

    config = load_config(chosen_file(file), list(overrides))
    written = write_files(export_files(kind, config.engine, config.cluster, dump_config(config)), output)
    if as_json:
        print_json(written)
    else:
        click.echo("\n".join(str(path) for path in written))
