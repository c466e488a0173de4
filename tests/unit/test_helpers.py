"""What tests share lives in helper modules: no test borrows from a file of tests or from a conftest."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def imported(source: str) -> Iterator[str]:
    """The modules that a file names in its imports, `from a import b` as a.b too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def borrowed(source: str) -> set[str]:
    files = {name for name in imported(source) if name.split(".")[0] == "tests"}
    return {name for name in files if any(p.startswith("test_") or p == "conftest" for p in name.split("."))}


def test_borrowing_is_seen() -> None:
    assert borrowed("from tests.unit.audit.test_audit_docs import FILES") != set()
    assert borrowed("def f():\n    from tests.unit import conftest") == {"tests.unit.conftest"}
    assert borrowed("from tests.rig import hosts\nimport tests.paths") == set()


def test_no_test_borrows_from_another() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    assert len(sources) > 100
    found = {str(path.relative_to(TESTS)): names for path, text in sources.items() if (names := borrowed(text))}
    assert found == {}
