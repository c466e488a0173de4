"""Foreign words on the terminal: it obeys none of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tests.synthetic import Plan, write_run

from assay.analysis.run import analyse_run
from assay.cluster.local import tail_file
from assay.commands.main import main
from assay.commands.options import print_json
from assay.commands.terminal import Terminal
from assay.report.page import Quote
from assay.report.run_sections import log_blocks
from assay.serving.words import harmless

TITLE = "\x1b]0;owned\x07"
NASTY = [TITLE, "\x1b[2J", "\x9b31m", "\r", "\x08", "\u202e", "\x00", "\ud800", "\u2028"]


@pytest.mark.parametrize("nasty", NASTY)
def test_what_a_terminal_obeys_is_shown_instead(nasty: str) -> None:
    assert harmless(f"a{nasty}b").isprintable()
    assert harmless(f"a{nasty}b") != "ab"


def test_lines_and_letters_stay_and_colours_go() -> None:
    plain = "two lines\n\tof 日本 é … 🙂 \u00a0text\n"
    assert harmless(plain) == plain
    assert harmless("\x1b[36m(EngineCore)\x1b[0;39m ready") == "(EngineCore) ready"


def test_a_servers_log(tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    log.write_text(f"begin\n{TITLE}end\n")
    assert tail_file(log, 2) == "begin\n\\x1b]0;owned\\x07end"
    run = analyse_run(write_run(tmp_path, Plan(samples=50, failed=5)))
    run.folder.driver_log.write_text(f"{TITLE}last words")
    (quote,) = log_blocks(run)
    assert isinstance(quote, Quote)
    assert quote.text == "\\x1b]0;owned\\x07last words"


def test_audited_texts(tmp_path: Path) -> None:
    run: dict[str, Any] = {"name": f"a{TITLE}", "samples": 10, "duration": "1 s", "samples_per_s": 99}
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"runs": [run], "statements": [f"{TITLE}$(date)"]}))
    said = CliRunner().invoke(main, ["audit", str(path)]).stdout
    assert "$(date)" in said
    assert "\x1b" not in said
    assert "\x07" not in said


def test_messages_about_what_cant_be_read() -> None:
    said = CliRunner().invoke(main, ["audit", f"/nowhere/{TITLE}"]).stderr
    assert "/nowhere/\\x1b]0;owned" in said
    assert "\x1b" not in said


def test_what_is_said_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().say(f"server said {TITLE}")
    assert capsys.readouterr().err == "server said \\x1b]0;owned\\x07\n"


def test_json_stays_the_same_value(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name\x9b": f"{TITLE}\x85\x7f\u202e日本"}
    print_json(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert all(c == "\n" or c.isprintable() for c in out)
