"""What is done on a node: what is seen there, parts that go on, files that come whole or not at all."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from assay.install import Target
from assay.install.nodes import NodeStatus

DATA = b"weights" * 100
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def ask(home: Path, do: str, **fields: Any) -> Any:
    home.mkdir(exist_ok=True)
    program = files("assay.install").joinpath("hand.py").read_text()
    words = json.dumps({"do": do, "folder": "site/assay", **fields})
    done = subprocess.run(
        [sys.executable, "-I", "-", words], input=program, capture_output=True, text=True, env={"HOME": str(home)}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.removeprefix("assay: "))


def test_nothing_is_there_and_nothing_is_changed_by_looking(home: Path) -> None:
    seen = NodeStatus.model_validate(ask(home, "status"))
    assert (seen.words, seen.folder, seen.incoming) == ("nothing", str(home / "site" / "assay"), 0)
    assert seen.target == str(Target.here())
    assert seen.free_bytes > 0
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("theirs", "", "something else"),
        ("assay-install.json", '{"bundle": "b", "assay": "1.2", "complete": true}', "assay 1.2"),
        ("assay-install.json", '{"bundle": "b", "assay": "1.2", "complete": false}', "unfinished"),
        ("assay-install.json", "{damaged", "something else"),
    ],
)
def test_what_is_there_is_told_apart(file: str, text: str, words: str, home: Path) -> None:
    (home / "site" / "assay").mkdir(parents=True)
    (home / "site" / "assay" / file).write_text(text)
    assert NodeStatus.model_validate(ask(home, "status")).words == words


def test_a_file_comes_in_parts_and_stands_in_its_place_once_it_is_whole(home: Path) -> None:
    (home / "site" / "assay").mkdir(parents=True)
    asked = {"path": "models/m/weights", "bytes": len(DATA), "sha256": SUM}
    where = {"path": asked["path"], "sha256": SUM}
    assert ask(home, "missing", files=[asked]) == {"models/m/weights": 0}
    part = Path(ask(home, "ready", **where)["part"])
    part.write_bytes(DATA[:100])
    assert ask(home, "missing", files=[asked]) == {"models/m/weights": 100}
    assert ask(home, "ready", **where) == {"part": str(part), "bytes": 100}
    part.write_bytes(DATA)
    ask(home, "settle", **where)
    assert (home / "models/m/weights").read_bytes() == DATA
    assert ask(home, "missing", files=[asked]) == {}
    noted = json.loads((home / "site/assay/assay-sent.json").read_text())
    assert noted["folders"] == [str(home / "models"), str(home / "models" / "m")]
    assert str(home / "models/m/weights") in noted["files"]


def test_another_file_of_the_same_size_is_missing(home: Path) -> None:
    (home / "m").mkdir(parents=True)
    (home / "m" / "weights").write_bytes(DATA[::-1])
    asked = {"path": "m/weights", "bytes": len(DATA), "sha256": SUM}
    assert ask(home, "missing", files=[asked]) == {"m/weights": 0}


def test_a_damaged_part_is_taken_away(home: Path) -> None:
    (home / "site" / "assay").mkdir(parents=True)
    where = {"path": "m/weights", "sha256": SUM}
    part = Path(ask(home, "ready", **where)["part"])
    part.write_bytes(DATA[::-1])
    assert "didn't arrive as it was sent" in ask(home, "settle", **where)["error"]
    assert not part.exists()
    assert not (home / "m" / "weights").exists()


def test_what_can_not_be_written_is_named(home: Path) -> None:
    home.mkdir()
    (home / "m").touch()
    assert f"{home}/m" in ask(home, "ready", path="m/weights", sha256=SUM)["error"]
