"""A group that imports a command when it is used, so that every start is quick."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

Listed = Mapping[str, tuple[str, str]]
"""Command: the module of the group's package that defines it under the same name, and its line in the group's help."""


class LazyGroup(click.Group):
    """The commands that are `listed`, in that order."""

    def __init__(self, *args: Any, package: str, listed: Listed, **more: Any) -> None:
        super().__init__(*args, **more)
        self._package, self._listed = package, listed

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._listed:
            return None
        module = import_module(f"{self._package}.{self._listed[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in self._listed.items()])
