"""How a load process ends: by a defect of its own, by a signal, at its end."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import NoReturn

import pytest
from tests.simulated import make_plan

from assay.load import driver
from assay.runs import RunFolder, read_outcome, write_json


def test_a_defect_is_an_end_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.parts.mkdir(parents=True)
    write_json(folder.plan, make_plan(folder.path, ["http://127.0.0.1:9"]))

    def broken(*arguments: object) -> NoReturn:
        raise ValueError("negative shift count")

    monkeypatch.setattr(driver, "Driver", broken)
    monkeypatch.setattr(driver, "die_with_parent", lambda parent: None)
    assert driver.main([str(folder.plan), "1"]) == 1
    outcome = read_outcome(folder)
    assert (outcome.status, outcome.reason) == ("error", "ValueError: negative shift count; traceback in driver.log")
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("over", "ended"), [(True, ("finished", "")), (False, ("stopped", "SIGTERM"))])
def test_a_signal_takes_nothing_from_a_load_that_is_over(over: bool, ended: tuple[str, str]) -> None:
    ending = driver.Driver.__new__(driver.Driver)
    ending._error, ending._over, ending._signal = None, over, signal.SIGTERM
    assert ending._conclusion() == ended
