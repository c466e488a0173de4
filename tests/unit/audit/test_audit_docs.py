"""docs/audit.md names every rule, and its example is a claims file that holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.audits import complaints

from assay.audit import all_rules, audit_path

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "audit.md").read_text()


@pytest.mark.parametrize("rule", [rule.name for rule in all_rules()])
def test_the_guide_names_the_rule(rule: str) -> None:
    assert f"`{rule}`" in GUIDE


def test_the_guides_example_is_read_and_holds(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0]
    path = tmp_path / "claims.yaml"
    path.write_text(re.sub(r"^ +log: .*\n", "", example, flags=re.MULTILINE))
    report = audit_path(path)
    assert complaints(report) == []
    assert len(report.rows) == 5
