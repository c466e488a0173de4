"""The blocks of commands and configuration in the documents, and how a command line is read without running it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from assay.commands.main import main

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = ("", "console", "sh")
"""Languages of blocks that hold command lines. Those of `sh` run as they stand, in a tutorial; `console` needs more."""
_BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_JOINED = {"&&", "||", "|", ";", "&"}


@dataclass(frozen=True)
class Block:
    document: Path
    language: str
    text: str


def blocks(document: Path) -> list[Block]:
    found = _BLOCK.findall(document.read_text(encoding="utf-8"))
    return [Block(document, language, text) for language, text in found]


def assay_calls(block: Block) -> Iterator[list[str]]:
    """The words after each `assay` that a block's lines call."""
    for line in block.text.replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(re.sub(r"\$\([^)]*\)", "VALUE", line), comments=True)
        except ValueError:  # text with an apostrophe, such as what a program prints
            continue
        call: list[str] = []
        for word in [*words, ";"]:
            if word not in _JOINED:
                call.append(word)
                continue
            if call and call[0].rpartition("/")[2] == "assay":
                yield call[1:]
            call = []


def read_call(words: list[str]) -> click.Context:
    """What click makes of the words after `assay`, without running anything. Raises click.UsageError."""
    command: click.Command = main
    context = click.Context(main, info_name="assay")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        inner = command.get_command(context, name)
        if inner is None:
            raise click.UsageError(f"no such command: {name}")
        command, context = inner, click.Context(inner, info_name=name, parent=context)
    return command.make_context(context.info_name, list(words), parent=context.parent, resilient_parsing="-h" in words)
