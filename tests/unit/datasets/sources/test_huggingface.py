"""Rows from the hub are read as a file's are; without the extra or a network it says what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig
from assay.datasets import load_dataset
from assay.errors import UserError
from assay.extras import how_to_add

SMOL = get_benchmark("smollm2-135m")
HUB = {"name": "owner/name", "config": "main", "split": "test", "revision": "abc"}


class Hub:
    """Stands in for the library: gives rows and keeps what it was asked for."""

    def __init__(self, *rows: dict[str, Any], error: Exception | None = None) -> None:
        self.asked: list[Any] = []
        self.given = 0
        self._rows = rows
        self._error = error

    def load_dataset(self, name: str, config: str | None, **keys: Any) -> Iterator[dict[str, Any]]:
        self.asked = [name, config, keys]
        if self._error:
            raise self._error
        for row in self._rows:
            self.given += 1
            yield row


def install(monkeypatch: pytest.MonkeyPatch, hub: Hub) -> None:
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=hub.load_dataset))


def test_rows_are_read_by_their_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub({"question": "a", "answer": "A"}, {"question": "b", "answer": "B"})
    install(monkeypatch, hub)
    dataset = load_dataset(SMOL, DatasetConfig(hub=HUB, fields={"prompt": "question", "reference": "answer"}))
    assert hub.asked == ["owner/name", "main", {"split": "test", "revision": "abc", "streaming": False}]
    assert ([sample.prompt for sample in dataset.samples], dataset.references) == (["a", "b"], ["A", "B"])
    assert (dataset.name, dataset.format, dataset.generated) == ("owner/name main test abc", "prompts", False)


def test_the_first_rows_are_streamed_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(*({"prompt": str(number)} for number in range(9)))
    install(monkeypatch, hub)
    dataset = load_dataset(SMOL, DatasetConfig(hub=HUB, samples=3))
    assert ([sample.prompt for sample in dataset.samples], hub.given) == (["0", "1", "2"], 3)
    assert hub.asked[2]["streaming"]


def test_a_mistake_names_the_data_set_and_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Hub({"prompt": "a"}, {"prompt": ""}))
    with pytest.raises(UserError, match="dataset owner/name main test abc, row 2: the field 'prompt'"):
        load_dataset(SMOL, DatasetConfig(hub=HUB))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=re.escape(f"owner/name needs datasets: {how_to_add('huggingface')}")):
        load_dataset(SMOL, DatasetConfig(hub=HUB))


def test_what_the_library_says_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Hub(error=ConnectionError("no route to the hub\nmore")))
    with pytest.raises(
        UserError, match=r"couldn't be fetched .*: no route to the hub Without a network: save"
    ) as raised:
        load_dataset(SMOL, DatasetConfig(hub=HUB))
    assert "\n" not in str(raised.value)
