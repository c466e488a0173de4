"""A campaign tells monitoring how it goes while it is carried out, and nothing begins where it can't."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.samples import Sample
from tests.campaigns import settings, write_settings
from tests.running_simulator import simulator
from tests.scraping import page_of, scrape, seen, under_load

from assay.errors import EXIT_INTERRUPTED, EXIT_USAGE

ASSAY = [sys.executable, "-m", "assay.commands.main"]


def test_a_run_under_load_is_told_of_endpoint_by_endpoint(tmp_path: Path) -> None:
    with under_load(tmp_path, "--metrics-port", "0") as controller:
        url = page_of(controller)
        page: list[Sample] = []

        def all_answered() -> bool:
            page[:] = scrape(url)
            answered = [s for s in page if s.name == "assay_endpoint_completed_samples_total" and s.value > 0]
            return {(s.labels["endpoint"], s.labels["node"]) for s in answered} == {
                (n, n) for n in ("node-a", "node-b")
            }

        seen(all_answered, controller.log.read_text)
        values = {sample.name: sample.value for sample in page}
        each = [sample.value for sample in page if sample.name == "assay_endpoint_completed_samples_total"]
        assert sum(each) == values["assay_completed_samples_total"] <= values["assay_issued_samples_total"]
        assert values["assay_latency_seconds_count"] == values["assay_completed_samples_total"]
        (campaign,) = (tmp_path / "results").iterdir()
        assert {sample.labels["campaign"] for sample in page if "campaign" in sample.labels} == {campaign.name}
        assert controller.kill(signal.SIGINT) == EXIT_INTERRUPTED


@pytest.fixture
def taken():  # type: ignore[no-untyped-def]
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


def refused(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*ASSAY, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_USAGE, done.stderr
    assert not (folder / "results").exists()
    return done.stderr


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path, taken: str) -> None:
    file = write_settings(tmp_path / "assay.yaml", settings(tmp_path / "results"))
    (tmp_path / "server").mkdir()
    words = f"--metrics-port {taken}: nothing can listen on 127.0.0.1: Address already in use. Name another port"
    assert words in refused(tmp_path, "run", str(file), "--metrics-port", taken)
    with simulator(tmp_path / "server", "--model", "m") as server:
        assert words in refused(tmp_path, "bench", server.url(), "--requests", "2", "--metrics-port", taken)
    assert "--metrics-host goes with --metrics-port" in refused(tmp_path, "run", str(file), "--metrics-host", "::1")
