"""`assay completion`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from assay.commands.options import writing

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_ASSAY_COMPLETE"
"""What a shell sets where it asks for words: click's own name for it."""


@click.group()
def completion() -> None:
    """Let the shell complete commands and options of `assay`."""


@completion.command()
@click.argument("shell", type=click.Choice(SHELLS))
def show(shell: str) -> None:
    """Print SHELL's script, for a place of your own."""
    click.echo(_script(shell))


@completion.command()
@click.argument("shell", type=click.Choice(SHELLS))
def install(shell: str) -> None:
    """Write SHELL's script where that shell looks for it; new shells complete then. Changes no file of yours."""
    path, then = _place(shell)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_script(shell) + "\n", encoding="utf-8")
    click.echo(f"wrote {path}; {then}")


def _script(shell: Any) -> str:
    from click.shell_completion import get_completion_class

    from assay.commands.main import main

    maker = get_completion_class(shell)
    assert maker is not None, "click knows these shells"
    text: str = maker(main, {}, "assay", VARIABLE).source()
    if shell == "fish":  # click's own script ends a description at its first comma
        text = text.replace('string split ","', 'string split --max 1 ","')
    return text.strip()


def _place(shell: str) -> tuple[Path, str]:
    """The user's own folder of such scripts, and what is left to do."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    if shell == "bash":  # https://github.com/scop/bash-completion/blob/main/README.md
        own = os.environ.get("BASH_COMPLETION_USER_DIR") or data / "bash-completion"
        return Path(own) / "completions/assay", "new shells complete where the package bash-completion is installed"
    if shell == "fish":  # https://fishshell.com/docs/current/completions.html
        config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return config / "fish/completions/assay.fish", "new shells complete"
    folder = data / "zsh/site-functions"
    return folder / "_assay", f"put `fpath+=({folder})` before `compinit` in ~/.zshrc; new shells complete then"
