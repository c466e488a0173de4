"""The preflight's table: nothing in it is broken within a word, whatever the terminal's width."""

from __future__ import annotations

import pytest

from assay.commands.check import check_text
from assay.serving.health import CheckReport, judged

PATH = "/root/.cache/assay/smollm2-135m-instruct/and-a-folder/tokenizer.json"


@pytest.mark.parametrize("width", [80, 120])
def test_words_and_paths_are_whole(width: int) -> None:
    busy = "load 7.40 on 2 CPUs: something else runs there"
    rows = [
        judged("node-a", "cpu idle", False, 2, busy, "wait for it or move it, else it shapes the result"),
        judged("controller", "tokenizer", True, 5, PATH, ""),
        judged("controller", "output", True, 5, "results can be written", ""),
    ]
    text = check_text(CheckReport(rows=rows), width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert sum(PATH in line for line in lines) == 1
    assert f"{busy}: wait for it or move it, else it shapes the result" in " ".join(text.split())
    heads = lines[0].index("what was seen")
    assert next(line for line in lines if "results can be written" in line).index("results") == heads
    assert "health score 10 of 12: the sum of the points" in text


def test_what_a_program_said_in_several_lines_stays_in_its_column() -> None:
    rows = [judged("all", "slurm", False, 10, "sinfo: no server\nsinfo: no configuration", "run it elsewhere")]
    lines = check_text(CheckReport(rows=rows), 80).splitlines()
    heads = lines[0].index("what was seen")
    assert lines[1][heads:] == "sinfo: no server; sinfo: no configuration: run it"
    assert lines[2] == " " * heads + "elsewhere"
