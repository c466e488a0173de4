"""`assay bundle`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, json_option, print_json

if TYPE_CHECKING:
    from assay.install import Bundle, Target

_OVER_SSH = "ssh:"
_TOLD = {"assay", "target", "extras", "models", "datasets", "debian"}


@click.command()
@click.option(
    "--for", "target", metavar="TARGET", help="Such as cp311-manylinux_2_28_x86_64, or ssh:HOST to ask there."
)
@click.option("--with", "extras", metavar="EXTRA,…", multiple=True, help="Extras of Assay, such as embedded.")
@click.option("--model", "models", type=PATH, multiple=True, metavar="DIR", help="A model's folder; may be repeated.")
@click.option("--dataset", "datasets", type=PATH, multiple=True, metavar="FILE", help="Samples; may be repeated.")
@click.option("--debian", type=PATH, multiple=True, metavar="FILE", help="A Debian package; may be repeated.")
@click.option("--engine-lock", type=PATH, metavar="FILE", help="Locked packages of an environment for the engine.")
@click.option("--find-links", type=PATH, metavar="DIR", help="Take wheels from this folder instead of an index.")
@click.option("--output", type=PATH, metavar="FILE", help="[default: assay-<version>-<target>.tar]")
@json_option
def bundle(
    target: str | None,
    extras: tuple[str, ...],
    models: tuple[Path, ...],
    datasets: tuple[Path, ...],
    debian: tuple[Path, ...],
    engine_lock: Path | None,
    find_links: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write one file that installs Assay on a machine without internet.

    TARGET is Python and platform; this machine's unless it is given. The same input gives the same bytes.
    """
    from assay import __version__
    from assay.install import BundleContents, write_bundle

    chosen = _target(target)
    names = tuple(sorted({name for words in extras for name in words.split(",") if name}))
    contents = BundleContents(chosen, names, models, datasets, debian, engine_lock, find_links)
    written = write_bundle(contents, output or Path(f"assay-{__version__}-{chosen}.tar"))
    if as_json:
        print_json({"path": written.path, "bytes": written.bytes, "sha256": written.sha256, **_facts(written)})
    else:
        click.echo(_text(written))


def _target(words: str | None) -> Target:
    from assay.install import Target

    if words is None:
        return Target.here()
    if not words.startswith(_OVER_SSH):
        return Target.parse(words)
    from assay.install.nodes import target_over_ssh

    return asyncio.run(target_over_ssh(words.removeprefix(_OVER_SSH)))


def _facts(written: Bundle) -> dict[str, object]:
    return written.manifest.model_dump(mode="json", include=_TOLD)


def _text(written: Bundle) -> str:
    name, top = written.path, f"assay-{written.manifest.assay}-{written.manifest.target}"
    words = (
        f"{name}: {written.bytes / 1e6:.1f} MB, {len(written.manifest.files)} files, for {written.manifest.target}\n"
        f"sha256 {written.sha256}\n"
        f"there: tar xf {name.name} && sh {top}/install.sh    (nodes over SSH: assay node install --bundle {name})"
    )
    if written.manifest.debian:
        words += f"\nits Debian packages, only if root asks for them: sh {top}/install.sh --debian"
    return words
