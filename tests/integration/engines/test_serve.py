"""`assay serve` as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from assay.extras import how_to_add

ASSAY = [sys.executable, "-m", "assay.commands.main", "serve"]
START_S = 240


def command(folder: Path) -> list[str]:
    return [*ASSAY, "--port", "0", "--port-file", str(folder / "port"), "--precision", "f32", "--cache-gb", "1"]


@pytest.mark.engine
def test_it_prints_its_url_and_answers_there_until_it_is_interrupted(tmp_path: Path) -> None:
    """Interrupted as by a terminal, which signals all of a job's processes."""
    with subprocess.Popen(
        command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            what, _, url = process.stdout.readline().strip().partition(": ")
            assert (what, url) == ("embedded endpoint", f"http://127.0.0.1:{int((tmp_path / 'port').read_text())}")
            (model,) = httpx.get(f"{url}/v1/models").json()["data"]
            body = {"model": model["id"], "prompt": "The sky is", "max_tokens": 1, "temperature": 0}
            answer = httpx.post(f"{url}/v1/completions", json=body, timeout=60)
            assert answer.json()["usage"]["completion_tokens"] == 1
            (engine,) = psutil.Process(process.pid).children()
        finally:
            os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors
    engine.wait(30)


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_while_it_loads_the_model(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + START_S
        while not (tmp_path / "port").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        children = psutil.Process(process.pid).children()
        os.killpg(process.pid, number)
        told, errors = process.communicate(timeout=30)
    assert (process.returncode, told) == (0, "")
    assert "Traceback" not in errors
    psutil.wait_procs(children, 30)
    assert not any(child.is_running() for child in children)


def test_a_missing_extra_is_told(tmp_path: Path) -> None:
    hidden = (
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'openvino_genai' else real(name, *rest)\n"
        "import sys; sys.argv = ['assay', 'serve', '--port', '0']\n"
        "from assay.commands.main import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"error: The embedded engine needs openvino_genai: {how_to_add('embedded')}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_can_not_be_had_is_told(tmp_path: Path) -> None:
    environment = {**os.environ, "ASSAY_CACHE": str(tmp_path), "ASSAY_MODEL_WHEEL": str(tmp_path / "none.whl")}
    done = subprocess.run(
        [*ASSAY, "--port", "0"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "none.whl" in done.stderr
    assert "Traceback" not in done.stderr
