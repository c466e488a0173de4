"""`assay export`: a deployment for a site's own tooling, a dashboard for its monitoring, results for anyone's."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from assay.commands.options import PATH, chosen_file, json_option, print_json, set_option

_DEPLOYMENTS = {
    "slurm": "FILE's deployment as a Slurm script.",
    "scripts": "FILE's deployment as plain scripts.",
}


@click.group()
def export() -> None:
    """Write a deployment for a site's own tooling, a dashboard, or what was measured as tables."""


def _deployment(kind: Any, words: str) -> click.Command:
    @click.command(kind, help=words)
    @click.argument("file", type=PATH, required=False)
    @set_option
    @click.option("--output", type=PATH, default=Path("export"), show_default=True)
    @json_option
    def command(file: Path | None, overrides: tuple[str, ...], output: Path, as_json: bool) -> None:
        from assay.config import dump_config, load_config
        from assay.deploy.export import export_files, write_files

        chosen = chosen_file(file)
        config = load_config(chosen, list(overrides))
        # The user's own text, with its comments; what was set besides goes onto the scripts' command lines.
        text = dump_config(config) if chosen is None else chosen.read_text(encoding="utf-8")
        besides = () if chosen is None else overrides
        files = export_files(kind, config.engine, config.cluster, text, config.output, besides)
        _tell(write_files(files, output), as_json=as_json)

    return command


for _kind, _words in _DEPLOYMENTS.items():
    export.add_command(_deployment(_kind, _words))


@export.command()
@click.argument("file", type=PATH, required=False)
@set_option
@click.option("--controller", metavar="IMAGE", help="Also the whole campaign as a Job, in which IMAGE runs Assay.")
@click.option("--output", type=PATH, default=Path("export"), show_default=True)
@json_option
def k8s(file: Path | None, overrides: tuple[str, ...], controller: str | None, output: Path, as_json: bool) -> None:
    """FILE's deployment as Kubernetes manifests."""
    from assay.config import load_config
    from assay.deploy.export import export_files, job_files, write_files

    config = load_config(chosen_file(file), list(overrides))
    if controller is None:
        files = export_files("k8s", config.engine, config.cluster, "", config.output)
    else:
        files = job_files(config, controller)
    _tell(write_files(files, output), as_json=as_json)


@export.command()
@click.argument("file", type=PATH, required=False)
@set_option
@click.option("--output", type=PATH, default=Path("export"), show_default=True)
@json_option
def ansible(file: Path | None, overrides: tuple[str, ...], output: Path, as_json: bool) -> None:
    """Playbooks that put Assay on FILE's nodes, check, run, collect and remove."""
    from assay.config import load_config
    from assay.deploy.export import write_files
    from assay.install.playbooks import ansible_files

    chosen = chosen_file(file)
    config = load_config(chosen, list(overrides))
    files = ansible_files(config.cluster, chosen or Path("assay.yaml"), config.output, overrides)
    _tell(write_files(files, output), as_json=as_json)


@export.command()
@click.option("--output", type=PATH, default=Path("export"), show_default=True)
@json_option
def grafana(output: Path, as_json: bool) -> None:
    """A dashboard to import into Grafana: a campaign's metrics, as `assay run --metrics-port` tells them."""
    from assay.deploy.export import write_files
    from assay.metrics.dashboard import dashboard

    _tell(write_files({"assay-dashboard.json": dashboard()}, output), as_json=as_json)


@export.command()
@click.argument("campaign", type=PATH)
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "mlflow"]), default="csv", show_default=True)
@click.option("--output", type=PATH, help="Of csv and parquet. [default: export/<the campaign's name>]")
@click.option("--tracking-uri", metavar="URI", help="Of mlflow: the server. [default: MLFLOW_TRACKING_URI]")
@click.option("--experiment", metavar="NAME", help="Of mlflow. [default: the campaign's name]")
@json_option
def results(
    campaign: Path, form: Any, output: Path | None, tracking_uri: str | None, experiment: str | None, as_json: bool
) -> None:
    """CAMPAIGN's runs, requests and telemetry as tables; CSV leaves the lists out (times of chunks, token ids).

    Or its figures, parameters and reports in MLflow, where a second time updates what has changed.
    """
    from assay.results import load_campaign, write_tables

    if form == "mlflow":
        if output is not None:
            raise click.UsageError("--output goes with --format csv or parquet")
        _mlflow(campaign, tracking_uri, experiment, as_json=as_json)
        return
    if tracking_uri is not None or experiment is not None:
        raise click.UsageError("--tracking-uri and --experiment go with --format mlflow")
    loaded = load_campaign(campaign)
    _tell(write_tables(loaded, form, output or Path("export") / loaded.state.id), as_json=as_json)


def _mlflow(campaign: Path, uri: str | None, experiment: str | None, *, as_json: bool) -> None:
    from assay.results import load_campaign
    from assay.results.mlflow_server import tell_mlflow

    told = tell_mlflow(load_campaign(campaign), uri, experiment)
    if as_json:
        print_json([asdict(each) for each in told])
        return
    for each in told:
        kept = f"; MLflow keeps parameters that have changed: {', '.join(each.kept_parameters)}"
        click.echo(f"{each.source}: {each.state}, MLflow run {each.mlflow_run}{kept if each.kept_parameters else ''}")


def _tell(written: list[Path], *, as_json: bool) -> None:
    if as_json:
        print_json(written)
    else:
        click.echo("\n".join(str(path) for path in written))
