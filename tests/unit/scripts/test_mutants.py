"""`scripts/mutants`: its list fits the source, and it tells a caught mutation from one that survives."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("mutants", str(ROOT / "scripts" / "mutants"))
    spec = importlib.util.spec_from_loader("mutants", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


def test_every_mutation_still_fits_the_source(mutants: ModuleType) -> None:
    found = mutants.mutations()
    assert mutants.broken_patterns(found) == []
    assert all(mutation.old != mutation.new for mutation in found)
    missing = [test for m in found for test in m.tests if not (ROOT / test.partition("::")[0]).is_file()]
    assert missing == []


def test_the_mutations_are_many_and_of_every_room(mutants: ModuleType) -> None:
    rooms = Counter(mutation.room for mutation in mutants.mutations())
    assert rooms.total() >= 25
    assert {"statistics", "verdict", "ledger", "router"} <= set(rooms)
    names = Counter((mutation.room, mutation.name) for mutation in mutants.mutations())
    assert names.most_common(1)[0][1] == 1


def test_a_text_that_stands_twice_or_nowhere_is_named(mutants: ModuleType) -> None:
    known = mutants.mutations()[0]
    for old, places in (("no such text", 0), ("import", 9)):
        (words,) = mutants.broken_patterns([replace(known, old=old)])
        assert known.name in words
        assert repr(old) in words
        assert ("has 0 places" in words) == (places == 0)


@pytest.mark.parametrize(("new", "word", "code"), [("(a - b)", "caught", 1), ("(b + a)", "survived", 0)])
def test_a_mutation_is_caught_by_a_test_that_fails(
    mutants: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: str, word: str, code: int
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "adder.py").write_text("def add(a, b):\n    return (a + b)\n")
    (tmp_path / "test_adder.py").write_text("from adder import add\n\ndef test_it():\n    assert add(2, 3) == 5\n")
    monkeypatch.setattr(mutants, "REPOSITORY", tmp_path)
    monkeypatch.setattr(mutants, "SOURCE", tmp_path / "src")
    mutation = mutants.Mutation("room", "name", "adder.py", "(a + b)", new, ("test_adder.py",))
    assert mutants.whole_source_passes([mutation]) is None
    outcome = mutants.try_mutation(mutation)
    assert outcome.word == word
    assert outcome.by == ("test_adder.py::test_it" if code else "")


def test_the_outcome_is_the_exit_code(
    mutants: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mutants, "whole_source_passes", lambda chosen: None)
    for word, code in (("caught", 0), ("survived", 1), ("broken", 1)):
        monkeypatch.setattr(mutants, "try_mutation", lambda mutation, word=word: mutants.Outcome(mutation, word, "", 1))
        assert mutants.main(["--json", "-k", "router"]) == code
        printed = json.loads(capsys.readouterr().out)
        assert {entry["outcome"] for entry in printed["mutations"]} == {word}
        assert printed["caught"] == (len(printed["mutations"]) if code == 0 else 0)
    monkeypatch.setattr(mutants, "whole_source_passes", lambda chosen: "test_x.py::test_y")
    assert mutants.main(["-k", "router"]) == 2
