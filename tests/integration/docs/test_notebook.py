"""The example notebook runs from top to bottom, on a campaign that it makes itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from tests.recipes import ROOT

NOTEBOOK = ROOT / "src/assay/examples/results.ipynb"


@pytest.fixture
def committed() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it runs: with this package, and with no settings of somebody's IPython."""
    program = tmp_path / "bin" / "assay"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m assay.commands.main "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.mark.slow
def test_it_runs_on_a_campaign_made_there(committed: Any, folder: Path) -> None:
    resources = {"metadata": {"path": str(folder)}}
    ran = NotebookClient(committed, timeout=240, startup_timeout=240, resources=resources).execute()
    shown = [
        "".join(output["data"]["text/plain"])
        for cell in ran.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "execute_result"
    ]
    assert shown[0] == "[('offline-performance-r0', 'completed')]"
    assert "simulated" in shown[1]
    assert "'ttft_ms_count': " in shown[3]


def test_no_outputs_are_committed(committed: Any) -> None:
    nbformat.validate(committed)
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
