"""Write a manual page for every command: `make man`, or `python -m scripts.manual FOLDER`."""

from __future__ import annotations

import re
import sys
from copy import copy
from pathlib import Path

import click
from click_man.core import write_man_pages
from scripts.docs_site.commands import own_help, reads_its_own_arguments

from assay import __version__
from assay.commands.main import main

_NO_LIMIT = 1000
"""Characters of a command's first sentence: click-man would cut it at 45."""


def whole(group: click.Group) -> click.Group:
    """The group with its commands in it: click-man doesn't ask for them by name, as they are imported."""
    context = click.Context(group, info_name=group.name)
    commands: dict[str, click.Command] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        commands[name] = whole(command) if isinstance(command, click.Group) else copy(command)
        commands[name].short_help = command.get_short_help_str(limit=_NO_LIMIT)
        if reads_its_own_arguments(command):
            inner = click.Context(command, info_name=name, parent=click.Context(group, info_name="assay"))
            commands[name].help = as_it_stands(own_help(command, inner))
    return click.Group(group.name, commands=commands, help=group.help, params=group.params)


def as_it_stands(text: str) -> str:
    """Text that a manual page shows line by line: no line begins a request to the formatter, no sign is a command."""
    lines = (re.sub(r"^(?=[.'])", r"\\&", line.replace("\\", r"\e").replace("-", r"\-")) for line in text.splitlines())
    return "\n".join([".nf", *(line or r"\&" for line in lines), ".fi"])


def write_manual(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    command = whole(main)
    command.short_help = main.get_short_help_str(limit=_NO_LIMIT)
    write_man_pages("assay", command, version=__version__, target_dir=str(folder))
    return sorted(folder.glob("*.1"))


if __name__ == "__main__":
    print(*write_manual(Path(sys.argv[1])), sep="\n")
