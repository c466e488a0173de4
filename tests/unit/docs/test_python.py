"""The documents' Python imports what is there and calls it with arguments that it takes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.command_blocks import DOCUMENTS, Block, blocks

PYTHON = [
    block
    for document in DOCUMENTS
    for block in blocks(document)
    if block.language == "python" and not block.text.startswith("# src/")  # files of recipes, which tests carry out
]


def _refused(block: Block) -> Iterator[str]:
    """Calls of what Assay exports that it wouldn't take. Raises ImportError, AttributeError."""
    tree = ast.parse(block.text)
    imported: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "assay":
            module = import_module(node.module or "")
            imported |= {name.asname or name.name: getattr(module, name.name) for name in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in imported:
            named = {word.arg: None for word in node.keywords if word.arg}
            try:
                inspect.signature(imported[node.func.id]).bind(*node.args, **named)
            except TypeError as error:
                yield f"{ast.unparse(node)}: {error}"


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.document.stem)
def test_it_is_called_as_it_is_written(block: Block) -> None:
    assert list(_refused(block)) == []


def test_a_call_that_lacks_an_argument_is_seen() -> None:
    block = Block(Path(), "python", "from assay.report import render_index\nrender_index('results')")
    assert list(_refused(block)) == ["render_index('results'): missing a required argument: 'path'"]
