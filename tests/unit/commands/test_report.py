"""`assay report`: pages that share their charts' script, or stand alone where that was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner
from tests.synthetic import Node, Plan, write_campaign

from assay.commands.main import main

PLAN = Plan(samples=30, nodes=(Node("a"),), chunks=False, telemetry=False)


def test_single_file_leaves_no_script_beside_any_page(tmp_path: Path) -> None:
    plans = {"alone-a-r0": PLAN, "alone-b-r0": replace(PLAN, nodes=(Node("b"),))}  # one alone has no charts
    folder = write_campaign(tmp_path, plans, kind="scaling")
    shared = CliRunner().invoke(main, ["report", str(folder.path)])
    assert (shared.exit_code, shared.stderr) == (0, "")
    (script,) = folder.path.rglob("*.js")
    script.unlink()
    alone = CliRunner().invoke(main, ["report", "--single-file", str(folder.path)])
    assert alone.stdout == shared.stdout
    assert list(folder.path.rglob("*.js")) == []
    for page in map(Path, alone.stdout.split()):
        assert "window.plotlyPacked = " in page.read_text()
        assert "<script src=" not in page.read_text()
