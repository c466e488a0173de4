"""`assay submit --check` of a submission to MLPerf Endpoints: curve by curve, with what isn't judged."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result
from tests.forgeries.true_curves import CURVE, make_curve_tree

from assay.commands.main import main


def check(tree: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["submit", "--check", str(tree), *words])


def test_a_tree_of_endpoints_is_judged_curve_by_curve(tmp_path: Path) -> None:
    make_curve_tree(tmp_path)
    clean = check(tmp_path)
    assert clean.exit_code == 0, clean.output
    assert clean.output.startswith(f"{CURVE}\n  holds: ")
    assert "endpoints-accuracy, endpoints-curve, endpoints-disclosure, " in clean.output
    assert "not judged: whether the client was MLCommons' own" in clean.output
    assert clean.output.endswith("Assay: no findings\n")

    (tmp_path / CURVE / "r20/system_desc.json").unlink()
    broken = check(tmp_path, "--json")
    assert broken.exit_code == 3
    told = json.loads(broken.output)
    assert [(result["result"], set(result["findings"])) for result in told["results"] if result["findings"]] == [
        (str(CURVE), {"endpoints-tree"})
    ]
    assert told["audit"]["not_judged"]


def test_inferences_checker_isnt_asked(tmp_path: Path) -> None:
    refused = check(make_curve_tree(tmp_path), "--official-checker", str(tmp_path))
    assert refused.exit_code == 2
    assert "submission-checker" in refused.output
