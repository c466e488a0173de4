"""`docs/reliability.md`: each promise names a test, and the test is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLES = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
ROWS = [line for line in TABLES.splitlines() if line.startswith("| ") and not line.startswith("| What happens")]


@cache
def defined_in(file: Path) -> set[str]:
    """The tests that a file defines, without its parameters."""
    module = ast.parse(file.read_text(encoding="utf-8"))
    functions = (node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_there_are_rows_of_every_kind() -> None:
    assert re.findall(r"^## (.*)$", TABLES, re.MULTILINE)[:4] == ["Servers", "Ends", "Files", "The configuration"]
    assert len(ROWS) >= 50


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_each_promise_names_a_test_that_is_there(row: str) -> None:
    _, happens, promises, test, _ = row.split("|")
    assert happens.strip()
    assert promises.strip()
    named = re.fullmatch(r" `(tests/[\w/]+\.py)::(test_\w+)` ", test)
    assert named is not None, f"no test: {row}"
    assert (ROOT / named[1]).is_file(), named[1]
    assert named[2] in defined_in(ROOT / named[1]), named[0]


def test_no_promise_is_made_twice() -> None:
    tests = [row.split("|")[3].strip() for row in ROWS]
    assert len(set(tests)) == len(tests)
