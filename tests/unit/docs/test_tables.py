"""Every row of a table in the documents belongs to one: after an empty line it would be shown as text."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from tests.command_blocks import DOCUMENTS, ROOT

_RULE = re.compile(r"\|(\s*:?-+:?\s*\|)+")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def _loose(text: str) -> list[str]:
    """Rows that no heading stands above."""
    lines = _CODE.sub("", text).splitlines()
    tables = [list(own) for rows, own in itertools.groupby(lines, lambda line: line.startswith("|")) if rows]
    return [table[0] for table in tables if len(table) < 2 or not _RULE.fullmatch(table[1].strip())]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_row_has_a_heading(document: Path) -> None:
    assert _loose(document.read_text(encoding="utf-8")) == []


def test_a_row_after_an_empty_line_is_seen() -> None:
    assert _loose("| a | b |\n|---|---|\n| 1 | 2 |\n\n| 3 | 4 |\n") == ["| 3 | 4 |"]
