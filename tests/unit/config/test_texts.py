"""What YAML takes for a number, a truth or a date where text is asked for: told as it is written, with the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.config import load_config
from assay.errors import UserError

ENGINE = "engine: {kind: external, endpoints: [{url: 'http://h:1'}], model: %s}"


def refused(folder: Path, text: str, *overrides: str) -> str:
    path = folder / "assay.yaml"
    path.write_text(f"{text}\n")
    with pytest.raises(UserError) as caught:
        load_config(path, list(overrides))
    (line,) = str(caught.value).splitlines()
    return line.removeprefix(f"{path}:1: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ENGINE % "3.10", "engine.model: must be text, and YAML reads 3.10 as the number 3.1: write '3.10'"),
        (ENGINE % "0123", "engine.model: must be text, and YAML reads 0123 as the number 83: write '0123'"),
        (ENGINE % "1.5e+3", "engine.model: must be text, and YAML reads 1.5e+3 as the number 1500.0: write '1.5e+3'"),
        ("name: on", "name: must be text, and YAML reads on as true: write 'on'"),
        ("name: 12:30", "name: must be text, and YAML reads 12:30 as the number 750: write '12:30'"),
        ("name: 2026-01-01", "name: must be text, and YAML reads 2026-01-01 as a date: write '2026-01-01'"),
        ("name: null", "name: must be text, and YAML reads null as nothing: write 'null'"),
        ("name:", "name: must be text; nothing stands there"),
        ("name: [a]", "name: must be text"),
        ("name: !!set {a}", "name: must be text, and YAML reads it as something else: write it in quotes"),
        (f"name: 3.1{'0' * 200}", "name: must be text, and YAML reads it as the number 3.1: write it in quotes"),
        ("tokenizer: 3.10", "tokenizer: must be text, and YAML reads 3.10 as the number 3.1: write '3.10'"),
        (
            "engine: {kind: vllm, model: m, extra_args: [--block-size, 016]}",
            "engine.extra_args.1: must be text, and YAML reads 016 as the number 14: write '016'",
        ),
        (
            "engine: {kind: simulated, env: {A: &a 3.10}}",
            "engine.env.A: must be text, and YAML reads 3.10 as the number 3.1: write '3.10'",
        ),
        (
            "engine: {kind: simulated, speeds: {1: 2}}",
            "engine.speeds.1: the key must be text, and YAML reads it as the number 1: write it in quotes",
        ),
    ],
)
def test_what_isnt_text_is_told_as_it_is_written(tmp_path: Path, text: str, words: str) -> None:
    assert refused(tmp_path, text) == words


@pytest.mark.parametrize("word", ["1e5", "123e4567", "3.10.1", "'3.10'", '"on"', "1e5-instruct"])
def test_text_stays_as_it_is_written(tmp_path: Path, word: str) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text(f"{ENGINE % word}\n")
    assert load_config(path).engine.model == word.strip("'\"")


def test_an_override_is_told_with_quotes_that_the_shell_leaves(tmp_path: Path) -> None:
    words = "name: must be text, and YAML reads 3.10 as the number 3.1"
    assert refused(tmp_path, "name: 010", "name=3.10") == f"--set name=3.10: {words}: write --set \"name='3.10'\""
    assert load_config(None, ["name='3.10'"]).name == "3.10"


def test_an_override_of_a_section_takes_the_place_of_what_was_written(tmp_path: Path) -> None:
    given = "engine={kind: simulated, env: {A: 1.50}}"
    words = "engine.env.A: must be text, and YAML reads 1.50 as the number 1.5: write '1.50'"
    assert refused(tmp_path, "engine: {kind: simulated, env: {A: 010}}", given) == f"--set {given}: {words}"
    assert refused(tmp_path, "name: 010", "name=") == "--set name=: name: must be text; nothing stands there"
