"""The client's own rate: what is kept of it, and for which machine."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from assay.errors import AssayError
from assay.load import client_rate
from assay.load.client_rate import known_rate, measured_rate


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "client_rate.json"


def answers(monkeypatch: pytest.MonkeyPatch, *outputs: bytes) -> None:
    """What the measuring process says each time it is run; further times it may not be."""
    left = list(outputs)

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 0, stdout=left.pop(0))

    monkeypatch.setattr("assay.load.client_rate.subprocess.run", run)


def test_it_is_measured_once_a_machine_and_version(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, b'{"tokens_per_core_s": 5000.0}', b'{"tokens_per_core_s": 6000.0}')
    assert known_rate() is None
    assert [measured_rate(), measured_rate(), known_rate()] == [5000, 5000, 5000]
    monkeypatch.setattr(client_rate, "__version__", "another")
    assert known_rate() is None
    assert measured_rate() == 6000


@pytest.mark.parametrize("kept", [b"", b"[]", b"{", b'{"machine": 1}', b'{"tokens_per_core_s": "many"}'])
def test_a_damaged_cache_is_none(cache: Path, kept: bytes) -> None:
    cache.parent.mkdir()
    cache.write_bytes(kept)
    assert known_rate() is None


@pytest.mark.parametrize("told", [b"", b"{}", b'{"tokens_per_core_s": 0}'])
def test_a_measurement_without_a_figure_is_an_error_and_isnt_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch, told: bytes
) -> None:
    answers(monkeypatch, told)
    with pytest.raises(AssayError, match="rate can't be measured"):
        measured_rate()
    assert not cache.exists()


def test_the_real_client_is_measured_against_a_simulated_endpoint() -> None:
    assert measured_rate() > 0
