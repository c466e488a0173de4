"""Pickled frames are read as pandas wrote them, and nothing that a pickle names is ever called.

The frames in tests/recorded/frames hold made-up rows, written by pandas 1.5.3 and 2.2.3 (`DataFrame.to_pickle`).
"""

from __future__ import annotations

import os
import pickle
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig
from assay.datasets import Dataset, load_dataset
from assay.errors import UserError

FRAMES = Path(__file__).resolve().parents[3] / "recorded" / "frames"


def load(path: Path, **keys: Any) -> Dataset:
    return load_dataset(get_benchmark("llama3.1-405b"), DatasetConfig(path=path, **keys))


@pytest.mark.parametrize("pandas", ["1.5.3", "2.2.3"])
def test_a_frame_is_read_as_it_was_written(pandas: str) -> None:
    found = load(FRAMES / f"pandas-{pandas}-lists.pkl")
    assert found.format == "mlperf"
    rows = [(s.prompt, None if s.tok_input is None else s.tok_input.tolist(), s.reference, s.metric)
            for s in found.samples]  # fmt: skip
    assert rows == [
        ("one two", [1, 2, 3], "x", "rouge"), ("three", [4], "y", "qa_em"), ("four, fünf", [5, 70_000], "z", "niah_em"),
    ]  # fmt: skip


@pytest.mark.parametrize("pandas", ["1.5.3", "2.2.3"])
def test_rows_that_were_chosen_from_a_frame_with_arrays_for_ids(pandas: str) -> None:
    found = load(FRAMES / f"pandas-{pandas}-arrays.pkl")
    assert [sample.prompt for sample in found.samples] == ["one two", "four, fünf", "three"]
    assert [sample.tok_input.tolist() for sample in found.samples if sample.tok_input is not None] == [
        [1, 2, 3], [5, 70_000], [4],
    ]  # fmt: skip


class Trap:
    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self._reduced = call, arguments

    def __reduce__(self) -> Any:
        return self._reduced


class Wrapped:
    """A pickle of something else that holds a trap."""

    def __init__(self, trap: Trap) -> None:
        self.trap = trap


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_that_a_pickle_names_is_called(tmp_path: Path, protocol: int) -> None:
    trodden = tmp_path / "trodden"
    for trap in (
        Trap(os.mkdir, str(trodden)),
        Trap(eval, f"__import__('os').mkdir({str(trodden)!r})"),
        Trap(getattr, os, "mkdir"),
        Wrapped(Trap(os.mkdir, str(trodden))),
        [{"input": Trap(os.mkdir, str(trodden))}],
    ):
        try:
            content = pickle.dumps(trap, protocol=protocol)
        except TypeError:  # a module has no pickle
            continue
        (tmp_path / "data.pkl").write_bytes(content)
        with pytest.raises(UserError, match=r"data\.pkl is a pickle that holds .*, which isn't read, .*read_pickle"):
            load(tmp_path / "data.pkl")
    assert not trodden.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nmkdir\n(Vtrodden\ntR.",  # GLOBAL, REDUCE
        b"(Vtrodden\nios\nmkdir\n.",  # INST
        b"(cos\nmkdir\nVtrodden\no.",  # OBJ
        b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93\x8c\x07trodden\x85R.",  # STACK_GLOBAL
        b"\x80\x02cpandas.core.frame\nDataFrame\ncos\nmkdir\n\x85\x81.",  # among the arguments of what is known
        b"\x80\x02cpandas.core.frame\nDataFrame.__init__\n(Vtrodden\ntR.",  # an attribute of what is known
        b"\x80\x04\x8c\x11pandas.core.frame\x8c\x12DataFrame.__init__\x93\x8c\x07trodden\x85R.",
    ],
)
def test_no_opcode_finds_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.pkl").write_bytes(content)
    with pytest.raises(
        UserError, match=r"data\.pkl is a pickle that holds (os\.mkdir|pandas\.core\.frame\.DataFrame\.)"
    ):
        load(tmp_path / "data.pkl")
    assert not (tmp_path / "trodden").exists()


def test_a_pickle_that_asks_for_all_memory_gets_an_error(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    for asking in (b"\x80\x02]r\x00\x00\x00\x10.", b"\x80\x05\x96" + (1 << 45).to_bytes(8, "little") + b"a."):
        (tmp_path / "data.pkl").write_bytes(asking)
        with pytest.raises(UserError, match=r"data\.pkl is (no pickle of a pandas frame|a pickle that holds)"):
            load(tmp_path / "data.pkl")
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_a_pickle_by_any_name_is_read_as_one(tmp_path: Path) -> None:
    copy = tmp_path / "named.json"
    copy.write_bytes((FRAMES / "pandas-2.2.3-lists.pkl").read_bytes())
    assert len(load(copy)) == 3


@pytest.mark.parametrize(
    "content", [b"\x80\x04.", b"\x80\x04}.", pickle.dumps([1, 2]), pickle.dumps({"input": ["a"]}), b"\x80"]
)
def test_what_is_no_frame_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.pkl").write_bytes(content)
    with pytest.raises(UserError, match=r"data\.pkl is (no pickle of a pandas frame|a pickle that holds).*to_json"):
        load(tmp_path / "data.pkl")
