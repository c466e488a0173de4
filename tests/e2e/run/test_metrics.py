"""A campaign tells monitoring how it goes while it is carried out, and nothing begins where it can't."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.samples import Sample
from tests.campaigns import settings, write_settings
from tests.collector import collector
from tests.grafana import queries
from tests.prometheus import prometheus
from tests.running_simulator import simulator
from tests.scraping import page_of, scrape, seen, under_load

from assay.errors import EXIT_INTERRUPTED, EXIT_USAGE

pytestmark = pytest.mark.slow

ASSAY = [sys.executable, "-m", "assay.commands.main"]


# What a simulated node hasn't, and what nothing raises in a run that goes well.
_ELSEWHERE = ("assay_gpu_", "assay_alert")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[Sample]]]:
    """The address of a page while its campaign is under load, and what it told once every endpoint had answered."""
    folder = tmp_path_factory.mktemp("under-load")
    with under_load(folder, "--metrics-port", "0") as controller:
        url = page_of(controller)
        found: list[Sample] = []

        def answered() -> bool:
            found[:] = scrape(url)
            names = {sample.name for sample in found}
            each = [sample for sample in found if sample.name == "assay_endpoint_completed_samples_total"]
            return len(each) == 2 and all(sample.value > 0 for sample in each) and "assay_node_cpu_ratio" in names

        seen(answered, controller.log.read_text)
        yield url, found
        assert controller.kill(signal.SIGINT) == EXIT_INTERRUPTED


def test_a_run_under_load_is_told_of_endpoint_by_endpoint(page: tuple[str, list[Sample]]) -> None:
    _, found = page
    values = {sample.name: sample.value for sample in found}
    each = [sample for sample in found if sample.name == "assay_endpoint_completed_samples_total"]
    assert {(s.labels["endpoint"], s.labels["node"]) for s in each} == {(n, n) for n in ("node-a", "node-b")}
    assert sum(sample.value for sample in each) == values["assay_completed_samples_total"]
    assert values["assay_completed_samples_total"] <= values["assay_issued_samples_total"]
    assert values["assay_latency_seconds_count"] == values["assay_completed_samples_total"]
    assert len({sample.labels["campaign"] for sample in found if "campaign" in sample.labels}) == 1


def test_the_dashboard_asks_for_what_a_run_tells(page: tuple[str, list[Sample]]) -> None:
    _, found = page
    labels_of = {sample.name: frozenset(sample.labels) for sample in found}
    here = [query for query in queries() if not any(name.startswith(_ELSEWHERE) for name in query.metrics)]
    assert len(here) > 20
    assert [words for query in here for words in query.lacks(labels_of)] == []


def test_a_prometheus_answers_every_query_of_the_dashboard(page: tuple[str, list[Sample]], tmp_path: Path) -> None:
    url, found = page
    run = next(sample.labels for sample in found if sample.name == "assay_run_info")
    expressions = {query.of(campaign=run["campaign"], run=run["run"], node=".*"): query for query in queries()}
    with prometheus(tmp_path, url) as ask:
        empty: list[str] = []

        def all_answered() -> bool:
            answers = {expression: ask(expression) for expression in expressions}
            names = {sample.name for sample in found}
            empty[:] = [
                expression
                for expression, query in expressions.items()
                if not answers[expression] and query.metrics.keys() <= names and not expression.endswith("> 0")
            ]
            return not empty

        seen(all_answered, lambda: f"no answer to {empty}")


def test_a_collector_gets_the_last_figures_of_a_whole_campaign(tmp_path: Path) -> None:
    file = write_settings(tmp_path / "assay.yaml", settings(tmp_path / "results"))
    with collector() as got:
        command = [*ASSAY, "run", str(file), "--otlp", got.url]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        last = {(name, dict(labels).get("state")): value for (name, labels), value in got.values.items()}
    assert "metrics are sent by OTLP, as --otlp says" in done.stderr
    assert last["assay_campaign_over", None] == 1
    assert last["assay_campaign_runs", "completed"] == 1
    assert last["assay_completed_samples_total", None] == last["assay_latency_seconds_count", None] == 8


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
