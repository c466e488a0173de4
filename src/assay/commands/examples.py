"""`assay examples`."""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from assay.commands.options import PATH, writing
from assay.errors import UserError


@click.command()
@click.argument("name", required=False)
@click.option("--into", type=PATH, help="Folder to write into. [default: this folder]")
def examples(name: str | None, into: Path | None) -> None:
    """List the files to begin with; with NAME or --into DIR, write that one, or all of them."""
    known = {_name(file): file for file in sorted(files("assay").joinpath("examples").iterdir(), key=_name)}
    if name is None and into is None:
        for each, file in known.items():
            click.echo(f"{each:{max(map(len, known))}}  {_first_words(file)}")
        return
    if name is not None and name not in known:
        raise UserError(f"{name}: no such example; there are {', '.join(known)}")
    for file in known.values() if name is None else [known[name]]:
        click.echo(_write(file, into or Path()))


def _name(file: Traversable) -> str:
    return Path(file.name).stem


def _first_words(file: Traversable) -> str:
    """What an example says of itself in its first line."""
    text = file.read_text(encoding="utf-8")
    if file.name.endswith(".ipynb"):
        text = str(json.loads(text)["cells"][0]["source"][0])
    return text.partition("\n")[0].removeprefix("# ")


def _write(file: Traversable, folder: Path) -> Path:
    path = folder / file.name
    if path.exists():
        raise UserError(f"{path} exists; choose another folder with --into")
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return path
