"""`assay bench` that is told to end between its loads' beginning and end: what was measured is shown."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.running_simulator import simulator

ASSAY = [sys.executable, "-m", "assay.commands.main"]
# The second load's three arrivals are 100 s apart: it is under way whenever the signal comes.
LOADS = ["--concurrency", "1", "--rate", "0.01", "--arrivals", "constant", "--requests", "3"]
PROMPTS = ["--input", "16", "--output", "4", "--warmup", "0"]


@pytest.mark.parametrize("as_json", [False, True])
def test_the_loads_that_were_measured_are_printed_and_the_missing_one_is_named(tmp_path: Path, as_json: bool) -> None:
    (tmp_path / "server").mkdir()
    wanted = ["--fail-if", "unanswered > 0%", *(["--json"] if as_json else [])]
    with simulator(tmp_path / "server", "--model", "m") as server:
        process = subprocess.Popen(
            [*ASSAY, "bench", server.url(), *PROMPTS, *LOADS, *wanted],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[2/2]"):
                break
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "assay: interrupted; what was measured is kept" in stderr
    if not as_json:
        assert "1 in flight" in stdout
        assert stdout.splitlines()[-1].startswith("not measured: 0.01 samples/s asked for")
        return
    printed = json.loads(stdout)
    assert printed["error"]["exit_code"] == 130
    assert [(row["load"], row["ok"], row["failures"]) for row in printed["loads"]] == [("1 in flight", 3, [])]
    assert [name.startswith("0.01 samples/s asked for") for name in printed["not_measured"]] == [True]
    (condition,) = printed["conditions"]
    assert condition["run"] == printed["loads"][0]["runs"][0]
    assert (condition["figure"], condition["value"], condition["holds"]) == ("unanswered_share", 0.0, False)
