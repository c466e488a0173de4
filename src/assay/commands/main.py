"""The command line: one short function a command; imports happen inside, so that `assay --help` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from assay import __version__
from assay.errors import EXIT_INTERRUPTED, AssayError

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
_PATH = click.Path(path_type=Path)


class _Group(click.Group):
    """Turns errors that a message explains into that message and their exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AssayError as error:
            click.echo(f"assay: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("assay: interrupted", err=True)
            sys.exit(EXIT_INTERRUPTED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="assay")
def main() -> None:
    """Benchmark large-language-model inference the MLPerf way; report only numbers that can be defended.

    Exit codes: 0 done, 1 a run failed or isn't sound, 2 wrong input, 3 findings, 130 interrupted.
    """


@main.command()
@click.argument("file", type=_PATH, default=Path("assay.yaml"))
@click.option("--ssh", "hosts", multiple=True, metavar="[USER@]HOST[:PORT]", help="A node; may be repeated.")
@click.option("--force", is_flag=True, help="Write over an existing file.")
def init(file: Path, hosts: tuple[str, ...], force: bool) -> None:
    """Write a commented configuration for this machine, or for the hosts given; detects accelerators."""
    from assay.commands.starter import write_starter

    click.echo(write_starter(file, hosts, force=force))


@main.command()
@click.argument("file", type=_PATH, required=False)
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Override one setting; may be repeated.")
@click.option("--dataset", type=_PATH, help="Data set file or folder (short for --set dataset.path=…).")
@click.option("--output", type=_PATH, help="Where campaign folders are made.")
@click.option("--official", is_flag=True, help="Every setting from MLPerf's rules: 600 s, all samples, seeds.")
@click.option("--campaign", "kind", help="single, scaling, official or sweep (short for --set campaign.kind=…).")
@click.option("--plan", is_flag=True, help="Print the runs and how long they take; start nothing.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="latest",
    metavar="[CAMPAIGN]",
    help="Go on with a campaign folder, or the latest.",
)
@click.option("--retry-failed", is_flag=True, help="With --resume: run again what failed or timed out.")
@_JSON
def run(
    file: Path | None,
    overrides: tuple[str, ...],
    dataset: Path | None,
    output: Path | None,
    official: bool,
    kind: str | None,
    plan: bool,
    resume: str | None,
    retry_failed: bool,
    as_json: bool,
) -> None:
    """Benchmark what FILE describes; without it, this machine with the embedded engine and bundled articles."""
    from assay.commands.run import plan_command, resume_command, run_command

    settings = list(overrides)
    settings += [f"dataset.path={dataset}"] if dataset else []
    settings += ["official=true", "dataset.samples=null", "queries={}"] if official else []
    settings += [f"campaign.kind={kind}"] if kind else []
    if resume:
        sys.exit(resume_command(file, settings, resume, output=output, retry_failed=retry_failed, as_json=as_json))
    if retry_failed:
        raise click.UsageError("--retry-failed goes with --resume")
    settings += [f"output={output}"] if output else []
    sys.exit((plan_command if plan else run_command)(file, settings, as_json=as_json))


@main.command()
@click.argument("output", type=_PATH, default=Path("results"))
@click.option("--status", "statuses", multiple=True, help="Only runs with this status; may be repeated.")
@click.option("--scenario", "scenarios", multiple=True, help="Only this scenario; may be repeated.")
@click.option("--mode", help="performance or accuracy.")
@click.option("--kind", help="Only campaigns of this kind.")
@click.option("--node", help="Only runs in which this node takes part.")
@click.option("--since", metavar="WHEN", help="2026-01-31, 2026-01-31T12:00 (UTC), or an age: 12h, 7d, 2w.")
@_JSON
def runs(output: Path, as_json: bool, **filters: Any) -> None:
    """All campaigns in OUTPUT and their runs."""
    from assay.commands.runs import runs_command

    runs_command(output, as_json=as_json, **filters)


@main.command()
@click.argument("folders", type=_PATH, nargs=-1, required=True)
@click.option("--output", type=_PATH, help="Write there instead of into the run folder.")
@_JSON
def report(folders: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Render the report of runs or campaigns again, from their files alone."""
    from assay.commands.report import report_command

    report_command(folders, output, as_json=as_json)


@main.command()
@click.argument("folders", metavar="RUN RUN...", type=_PATH, nargs=-1, required=True)
@click.option("--output", type=_PATH, help="Write a report of the comparison into this folder.")
@click.option("--fail-if-slower", metavar="PERCENT", help="Exit code 3 if the interval shows more than that, e.g. 2%.")
@_JSON
def compare(folders: tuple[Path, ...], output: Path | None, fail_if_slower: str | None, as_json: bool) -> None:
    """What changed between runs, with intervals; the first is the baseline."""
    from assay.commands.report import compare_command

    sys.exit(compare_command(folders, output, fail_if_slower, as_json=as_json))


@main.command()
@click.argument("path", type=_PATH, required=False)
@click.option("--explain", "rule", metavar="RULE", help="What a rule checks, its formula and its source.")
@click.option("--accelerator", "accelerators", multiple=True, metavar="[Nx]NAME", help="Hardware, e.g. 2xA30.")
@click.option("--model", help="The model, where the files don't say.")
@click.option("--precision", help="The precision of weights, where the files don't say.")
@click.option("--verbose", is_flag=True, help="Show what is supported, too.")
@_JSON
def audit(path: Path | None, **options: Any) -> None:
    """Judge a run, a campaign, LoadGen logs, an MLPerf results tree or a claims file. Exit code 3: findings."""
    from assay.commands.audit import audit_command

    sys.exit(audit_command(path, **options))


@main.command()
@click.argument("file", type=_PATH, required=False)
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Override one setting; may be repeated.")
@click.option("--deep", is_flag=True, help="Hash the model's large files too.")
@_JSON
def check(file: Path | None, overrides: tuple[str, ...], deep: bool, as_json: bool) -> None:
    """Preflight: look at every node of FILE and change none; a score with its reasons."""
    from assay.commands.deploy import check_command

    sys.exit(check_command(file, list(overrides), deep=deep, as_json=as_json))


@main.command()
@click.argument("campaign", type=_PATH)
@_JSON
def stop(campaign: Path, as_json: bool) -> None:
    """Take down the servers that a killed controller left running."""
    from assay.commands.deploy import stop_command

    stop_command(campaign, as_json=as_json)


@main.command()
@click.argument("kind", type=click.Choice(["k8s", "slurm", "scripts"]))
@click.argument("file", type=_PATH, required=False)
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Override one setting; may be repeated.")
@click.option("--output", type=_PATH, default=Path("export"), show_default=True)
@_JSON
def export(kind: Any, file: Path | None, overrides: tuple[str, ...], output: Path, as_json: bool) -> None:
    """Write FILE's deployment as manifests or scripts for a site's own tooling."""
    from assay.commands.deploy import export_command

    export_command(kind, file, list(overrides), output, as_json=as_json)


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """An OpenAI-compatible server with a chosen speed, latency and faults (`assay simulate --help`)."""
    from assay.simulator import main as simulator

    sys.exit(simulator(list(arguments)))


@main.group()
def fetch() -> None:
    """Get what can't come with the package, checked by hash; says what to do without a network."""


@fetch.command()
def embedded() -> None:
    """The embedded engine's model and the sentence tables that ROUGE needs (97 MB, once)."""
    from assay.engines.embedded import ensure_model
    from assay.scoring import ensure_punkt

    click.echo(f"model: {ensure_model(progress=click.echo).gguf_f16.parent}")
    click.echo(f"sentence tables: {ensure_punkt()}")


@fetch.command("cnn-dailymail")
@click.option("--tokenizer", type=_PATH, required=True, help="Folder of the model's tokenizer.")
@click.option("--benchmark", default="llama3.1-8b", show_default=True)
@click.option("--output", type=_PATH, default=Path(), show_default="this folder", help="Folder to write into.")
def cnn_dailymail(tokenizer: Path, benchmark: str, output: Path) -> None:
    """MLPerf's CNN/DailyMail samples, from Hugging Face (needs the extra `huggingface` and a network)."""
    from assay.benchmarks import get_benchmark
    from assay.datasets import fetch_cnn_dailymail

    click.echo(fetch_cnn_dailymail(get_benchmark(benchmark), output, tokenizer))


if __name__ == "__main__":
    main()
