"""The cache of the model: prepared once when processes race, prepared again when a file is damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.engines.embedded import ensure_model
from assay.errors import UserError

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_one_prepares_and_both_have_it(tmp_path: Path) -> None:
    (tmp_path / "smollm2-135m-instruct" / ".prepare-left-behind").mkdir(parents=True)
    command = [sys.executable, "-c", "from assay.engines.embedded import ensure_model; print(ensure_model())"]
    environment = {**os.environ, "ASSAY_CACHE": str(tmp_path)}
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    (first_out, first_err), (second_out, second_err) = (process.communicate(timeout=280) for process in both)
    if "couldn't be downloaded" in first_err:
        pytest.skip(first_err)
    assert [process.returncode for process in both] == [0, 0], first_err + second_err
    assert first_out == second_out
    assert (first_err + second_err).count("Converting the model") == 1
    folder = tmp_path / "smollm2-135m-instruct"
    assert {path.name for path in folder.iterdir()} == {".lock", "model-f16.gguf", "tokenizer.json", "model.json"}


def test_a_damaged_file_is_never_used(tmp_path: Path) -> None:
    try:
        good = ensure_model(progress=print)
    except UserError as error:
        pytest.skip(f"no model: {error}")
    folder = tmp_path / "smollm2-135m-instruct"
    folder.mkdir()
    (folder / "model-f16.gguf").symlink_to(good.gguf_f16)
    (folder / "model.json").write_bytes(good.gguf_f16.with_name("model.json").read_bytes())
    damaged = good.tokenizer_json.read_bytes().replace(b'"the"', b'"teh"', 1)
    (folder / "tokenizer.json").write_bytes(damaged)
    said: list[str] = []
    mended = ensure_model(tmp_path, progress=said.append)
    assert "tokenizer.json is damaged" in said[0]
    assert mended.tokenizer_json.read_bytes() == good.tokenizer_json.read_bytes()
