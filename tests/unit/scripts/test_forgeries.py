"""scripts/forgeries.py names what passes the audit."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tests.forgeries.folders import FORGERIES
from tests.forgeries.model import Forgery
from tests.forgeries.true_runs import recorded


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "scripts" / "forgeries.py"
    spec = importlib.util.spec_from_file_location("forgeries_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_help_makes_nothing(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        script.main(["--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_what_passes_is_missed_and_what_is_caught_is_not(script: ModuleType, tmp_path: Path) -> None:
    true = recorded(tmp_path / "true")
    caught = next(forgery for forgery in FORGERIES if forgery.name == "twice the samples a second")
    other_rule = Forgery("found by another rule", caught.base, "latency-limits", caught.change)
    nothing = Forgery("nothing was changed", caught.base, caught.rule, lambda root: None)
    missed = list(script._missed([caught, other_rule, nothing], true, tmp_path / "forged"))
    assert [line.partition(": ")[2].partition(": not")[0] for line in missed] == [other_rule.name, nothing.name]
    assert missed[1].endswith("by none")
