"""`assay fetch`."""

from __future__ import annotations

from pathlib import Path

import click

from assay.commands.options import PATH


@click.group()
def fetch() -> None:
    """Get what can't come with the package, checked by hash; says what to do without a network."""


@fetch.command()
def embedded() -> None:
    """The embedded engine's model and the sentence tables that scoring needs (97 MB, once)."""
    from assay.engines.embedded import ensure_model
    from assay.scoring import ensure_punkt

    click.echo(f"model: {ensure_model(progress=click.echo).gguf_f16.parent}")
    click.echo(f"sentence tables: {ensure_punkt()}")


@fetch.command("cnn-dailymail")
@click.option("--tokenizer", type=PATH, required=True, help="Folder of the model's tokenizer.")
@click.option("--benchmark", default="llama3.1-8b", show_default=True)
@click.option("--output", type=PATH, default=Path(), show_default="this folder", help="Folder to write into.")
def cnn_dailymail(tokenizer: Path, benchmark: str, output: Path) -> None:
    """MLPerf's CNN/DailyMail samples, from Hugging Face (needs the extra `huggingface` and a network)."""
    from assay.benchmarks import get_benchmark
    from assay.datasets import fetch_cnn_dailymail

    click.echo(fetch_cnn_dailymail(get_benchmark(benchmark), output, tokenizer))
