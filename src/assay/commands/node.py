"""`assay node`: Assay on the nodes of a configuration."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.commands.options import PATH, chosen_file, json_option, print_json, set_option
from assay.commands.table import drawn
from assay.commands.terminal import width
from assay.errors import EXIT_FAILED, EXIT_OK, UserError
from assay.serving.words import harmless

if TYPE_CHECKING:
    from assay.config import Config
    from assay.install.nodes import NodeRow, Nodes, NodeView

_python = click.option(
    "--python", default="python3", show_default=True, help="The interpreter that the nodes have already."
)
_as_root = click.option("--as-root", is_flag=True, help="Also on nodes where the login is root's.")
_plan = click.option("--plan", is_flag=True, help="Change nothing: tell what would be done.")


@click.group()
def node() -> None:
    """Put Assay on the nodes of FILE over SSH, look at it there, take it away."""


@node.command()
@click.argument("file", type=PATH, required=False)
@set_option
@click.option("--bundle", type=PATH, help="From `assay bundle`. [default: made here for the nodes]")
@click.option("--with", "extras", metavar="EXTRA,…", help="Of Assay. [default: what the engine needs]")
@click.option("--engine-lock", type=PATH, metavar="FILE", help="Locked packages of an environment for the engine.")
@click.option("--find-links", type=PATH, metavar="DIR", help="Make the bundle of wheels from this folder.")
@click.option("--index", is_flag=True, help="The nodes take packages from their own package index, checked by hash.")
@click.option("--model", type=PATH, metavar="DIR", help="Send this folder to where engine.model says.")
@_python
@_plan
@_as_root
@json_option
def install(
    file: Path | None,
    overrides: tuple[str, ...],
    bundle: Path | None,
    extras: str | None,
    engine_lock: Path | None,
    find_links: Path | None,
    index: bool,
    model: Path | None,
    python: str,
    plan: bool,
    as_root: bool,
    as_json: bool,
) -> None:
    """Install Assay on every node; what is there already is left as it is.

    It goes where cluster.python says (`<folder>/bin/python`), else into ~/.local/share/assay. A second time goes on
    where a first was cut off, and changes nothing where all is done. Exit code 1 where a node doesn't have it.
    """
    from assay.install.placing import Wanted
    from assay.install.placing import install as carry_out

    if bundle is not None and (index or any(given is not None for given in (extras, engine_lock, find_links))):
        raise click.UsageError(
            "--bundle is what it is: --with, --engine-lock, --find-links and --index are for one that is made here"
        )
    config = _config(file, overrides)
    own = tuple(extras.split(",")) if extras is not None else needed_extras(config)
    model_folder = _model_folder(config) if model is not None else ""
    wanted = Wanted(bundle, own, engine_lock, find_links, index, model, model_folder)
    nodes = _nodes(config, python, plan=plan, as_root=as_root)

    async def work() -> list[NodeRow]:
        return await carry_out(nodes, await nodes.look(), wanted, _sent)

    rows = asyncio.run(work())
    _tell(rows, plan=plan, as_json=as_json)
    if not as_json and not any(row.problem for row in rows):
        _hint(config)
    sys.exit(EXIT_FAILED if any(row.problem for row in rows) else EXIT_OK)


@node.command()
@click.argument("file", type=PATH, required=False)
@set_option
@_python
@json_option
def status(file: Path | None, overrides: tuple[str, ...], python: str, as_json: bool) -> None:
    """What each node has of Assay; changes nothing."""
    nodes = _nodes(_config(file, overrides), python)
    views = asyncio.run(nodes.look())
    if as_json:
        print_json([{"node": view.node.name, "problem": view.problem, "status": view.status} for view in views])
    else:
        grid = [["node", "assay", "Python", "a bundle for it", "free", "folder"], *map(_line, views)]
        click.echo(harmless(drawn(grid, width(), words=set(grid[0]))), nl=False)
        for view in views:
            if view.problem:
                click.echo(harmless(f"{view.node.name}: {view.problem}"), err=True)
    sys.exit(EXIT_FAILED if any(view.problem for view in views) else EXIT_OK)


@node.command()
@click.argument("file", type=PATH, required=False)
@set_option
@_python
@_plan
@_as_root
@json_option
def remove(
    file: Path | None, overrides: tuple[str, ...], python: str, plan: bool, as_root: bool, as_json: bool
) -> None:
    """Take away what `install` put there, models included."""
    from assay.install.nodes import remove as carry_out

    nodes = _nodes(_config(file, overrides), python, plan=plan, as_root=as_root)

    async def work() -> list[NodeRow]:
        return await carry_out(nodes, await nodes.look())

    rows = asyncio.run(work())
    _tell(rows, plan=plan, as_json=as_json)
    sys.exit(EXIT_FAILED if any(row.problem for row in rows) else EXIT_OK)


def _config(file: Path | None, overrides: tuple[str, ...]) -> Config:
    from assay.config import load_config

    return load_config(chosen_file(file), list(overrides))


def _nodes(config: Config, python: str, **how: bool) -> Nodes:
    from assay.cluster.options import SshOptions
    from assay.install.nodes import Nodes

    if not isinstance(config.cluster, SshOptions):
        raise UserError(
            f"cluster.launcher is {config.cluster.launcher}, and nodes are installed over SSH (`launcher: ssh`): for "
            "other machines make a bundle (`assay bundle`)"
        )
    return Nodes(config.cluster, python, **how)


def needed_extras(config: Config) -> tuple[str, ...]:
    """What the nodes need of Assay for the engine."""
    return ("embedded",) if config.engine.kind == "embedded" else ()


def _model_folder(config: Config) -> str:
    from assay.engines import build_engine

    needs = build_engine(config.engine).needs()
    if needs is None or not needs.model_folder:
        raise UserError("--model: engine.model names no folder on the nodes (a path that begins with /)")
    return needs.model_folder


def _sent(name: str, file: str, done: int, of: int) -> None:
    """A line for each tenth of what takes long, and for what is done."""
    step = max(1, of // 10, 32 << 20)
    if done == of or done // step != (done - 1) // step:
        click.echo(harmless(f"{name}: {file} {done / 1e6:.1f} of {of / 1e6:.1f} MB"), err=True)


def _line(view: NodeView) -> list[str]:
    if view.status is None:
        return [view.node.name, "not seen", "-", "-", "-", "-"]
    seen = view.status
    free = f"{seen.free_bytes / 1e9:.1f} GB"
    return [view.node.name, seen.words, seen.python, seen.target or "none", free, seen.folder]


def _tell(rows: Sequence[NodeRow], *, plan: bool, as_json: bool) -> None:
    if as_json:
        told: list[dict[str, Any]] = [asdict(row) for row in rows]
        print_json({"plan": plan, "nodes": told})
        return
    for row in rows:
        words = list(row.done) or ([] if row.problem else ["nothing to do"])
        words += [row.problem] if row.problem else []
        for word in words:
            click.echo(harmless(f"{row.node} ({row.before}): {word}"))


def _hint(config: Config) -> None:
    """Where the configuration leaves the interpreter to chance, say what makes it the installed one."""
    from assay.cluster.options import SshOptions
    from assay.install.nodes import FOLDER, folder_of

    cluster = config.cluster
    assert isinstance(cluster, SshOptions)
    if any(folder_of(each, cluster) == FOLDER and "/" not in (each.python or cluster.python) for each in cluster.nodes):
        click.echo(f"runs use it with `cluster: {{python: {FOLDER}/bin/python}}`")
