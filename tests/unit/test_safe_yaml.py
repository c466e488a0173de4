"""YAML within bounds: no key twice, no bombs, no recursion, one message with file and line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from assay.errors import UserError
from assay.safe_yaml import MOST_BYTES, parse_yaml, read_yaml


def refused(text: str) -> str:
    with pytest.raises(UserError) as error:
        parse_yaml(text, "a.yaml")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_plain_data_comes_back() -> None:
    text = "a: [1, 2.5, yes, null, 'x']\nb: &b {c: 1}\nd: *b\n"
    assert parse_yaml(text, "a.yaml").data == {"a": [1, 2.5, True, None, "x"], "b": {"c": 1}, "d": {"c": 1}}
    assert parse_yaml("", "a.yaml").data is None
    assert parse_yaml("a: 1.10", "a.yaml", as_text=True).data == {"a": "1.10"}


def test_a_key_that_stands_twice_is_told_with_both_lines() -> None:
    assert (
        refused("x: 1\ny:\n  z: 1\n  q: 2\n  z: 3\n") == "a.yaml:5: 'z' stands twice, first in line 3; keep one of them"
    )
    assert "'a' stands twice, first in line 1" in refused("{a: 1, a: 2}")
    assert parse_yaml("1: a\n'1': b\n", "a.yaml").data == {1: "a", "1": "b"}


def bomb(levels: int = 9, width: int = 9) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_aliases_that_stand_for_gigabytes_are_refused_at_once() -> None:
    assert len(bomb()) < 500
    started = time.process_time()
    assert "more than 200000 values once its aliases are followed" in refused(bomb())
    assert time.process_time() - started < 5


def test_a_chain_of_aliases_is_as_deep_as_its_parts() -> None:
    chain = "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300))])
    assert "nested more than 64 deep once its aliases are followed" in refused(chain)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 5000, "- " * 5000 + "x"])
def test_deep_nesting_is_refused(text: str) -> None:
    assert "a.yaml:1: nested more than 64 deep" in refused(text)


def test_what_holds_itself_is_refused() -> None:
    assert refused("a: 1\nb: &b {c: *b}\n") == "a.yaml:2: holds itself through an alias"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1\n", "a.yaml:2: not YAML: "),
        ("a: 1\nb: 2: 3\n", "a.yaml:2: not YAML: "),
        ("a: *b\n", "a.yaml:1: not YAML: "),
        ("a: !!python/object:os.system x\n", "a.yaml:1: not YAML: "),
        ("a: 1\n---\nb: 2\n", "not YAML: "),
        ("a: 2026-13-45\n", "a.yaml: not YAML: "),
        ("a: \x00", "not YAML: "),
    ],
)
def test_what_is_no_plain_yaml_is_one_message(text: str, words: str) -> None:
    assert words in refused(text)


def test_a_file_is_named_in_every_message(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with pytest.raises(UserError, match=r"a\.yaml: can't be read: No such file"):
        read_yaml(path)
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(UserError, match=r"a\.yaml: not UTF-8: "):
        read_yaml(path)
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(UserError, match=r"a\.yaml: larger than 8 MB"):
        read_yaml(path)
