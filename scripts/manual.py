"""Write a manual page for every command: `make man`, or `python scripts/manual.py FOLDER`."""

from __future__ import annotations

import sys
from copy import copy
from pathlib import Path

import click
from click_man.core import write_man_pages

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
    return click.Group(group.name, commands=commands, help=group.help, params=group.params)


def write_manual(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    command = whole(main)
    command.short_help = main.get_short_help_str(limit=_NO_LIMIT)
    write_man_pages("assay", command, version=__version__, target_dir=str(folder))
    return sorted(folder.glob("*.1"))


if __name__ == "__main__":
    print(*write_manual(Path(sys.argv[1])), sep="\n")
