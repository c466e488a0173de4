"""The reference of commands, from the commands themselves."""

from __future__ import annotations

import inspect
import io
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from unittest.mock import patch

import click

from assay.commands.main import main

INTRODUCTION = """\
# Commands

What `assay COMMAND --help` says of each. `assay completion install` lets the shell complete them, and `make man` makes
manual pages of the same words.
"""

_BAR = r"\|"
"""Within a cell of a table."""


def commands_page() -> str:
    return "\n".join([INTRODUCTION, *_sections(main, click.Context(main, info_name="assay"))])


def _sections(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        inner = click.Context(command, info_name=name, parent=context)
        yield f"## {inner.command_path}\n"
        if reads_its_own_arguments(command):
            yield f"```text\n{own_help(command, inner)}\n```\n"
            continue
        yield f"```text\n{inner.command_path} {' '.join(command.collect_usage_pieces(inner))}\n```\n"
        yield f"{_prose(inspect.cleandoc(command.help or ''))}\n"
        if rows := list(_options(command, inner)):
            yield "\n".join(["| option | meaning |", "|---|---|", *rows, ""])
        if isinstance(command, click.Group):
            yield from _sections(command, inner)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        if record := parameter.get_help_record(context):
            option, words = record
            if words or isinstance(parameter, click.Option):
                yield f"| `{option}` | {_prose(words).replace('|', _BAR)} |"


def _prose(text: str) -> str:
    """Help as Markdown takes it: a placeholder in brackets is no HTML, and stars are stars."""
    return re.sub(r"([<*])", r"\\\1", text)


def reads_its_own_arguments(command: click.Command) -> bool:
    """Whether click hands all words on, so that only the command itself knows its options."""
    return any(isinstance(one, click.Argument) and one.type is click.UNPROCESSED for one in command.params)


def own_help(command: click.Command, context: click.Context) -> str:
    """What a command prints that reads its arguments itself."""
    said = io.StringIO()
    with redirect_stdout(said), patch.dict(os.environ, {"COLUMNS": "100"}), suppress(SystemExit):
        command.main(["--help"], prog_name=context.command_path)
    return said.getvalue().strip()
