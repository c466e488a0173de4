"""What a collector of OpenTelemetry gets is what a Prometheus gets, by the same definition."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.campaigns import settings, write_settings
from tests.collector import collector
from tests.following import SECOND, alert, begin, campaign, entry, progress, sample, sketch
from tests.scraping import page_values, seen

from assay import __version__
from assay.commands.main import main
from assay.commands.monitoring import Monitoring
from assay.commands.terminal import Terminal
from assay.errors import UserError
from assay.extras import how_to_add
from assay.metrics import Live
from assay.metrics.otlp import Sender, endpoint_variable
from assay.metrics.otlp_form import _UNITS
from assay.metrics.table import METRICS
from assay.runs import CampaignFolder
from assay.runs.alerts import append_alert

MS = 1_000_000


@pytest.fixture(autouse=True)
def no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment asks for nothing, whatever that of the tests does."""
    for name in ("ENDPOINT", "METRICS_ENDPOINT", "PROTOCOL", "METRICS_PROTOCOL"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    monkeypatch.delenv("OTEL_METRIC_EXPORT_INTERVAL", raising=False)
    monkeypatch.delenv("OTEL_SDK_DISABLED", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> CampaignFolder:
    """A run under load, with everything that there is to tell."""
    found = campaign(tmp_path / "c", [entry(0, "run-0"), entry(1)])
    event = progress(2, 40, ttft=sketch(10 * MS, 20 * MS, 300 * MS), out=("node-b",), failed=3)
    begin(found, "run-0", event.model_copy(update={"clock_offset_ns": 1_000 * SECOND}))
    sample(
        found,
        "run-0",
        ("node-a", "cpu_percent", 1, 25),
        ("node-a", "gpu0_power_w", 1, 650),
        ("node-a", "gpu0_energy_j", 1, 9),
    )
    append_alert(found.run("run-0").alerts, alert("memory", "node-a"))
    return found


def sent(live: Live, url: str | None) -> list[str]:
    """What is said while metrics are sent once."""
    said: list[str] = []
    sender = Sender(live, url, said.append)
    sender.start()
    sender.stop()
    return said


def test_the_same_figures_go_to_a_collector(folder: CampaignFolder) -> None:
    live = Live(lambda: folder)
    with collector() as got:
        assert sent(live, got.url) == []
        assert got.values == page_values(live)
        assert got.paths == ["/v1/metrics"]
        units = {metric.name: (metric.unit, metric.description) for metric in got.newest}
        assert units == {m.name: (_UNITS[m.unit], m.words) for m in METRICS if m.name in units}
        starts = {
            m.name: m.sum.data_points[0].start_time_unix_nano for m in got.newest if m.WhichOneof("data") == "sum"
        }
        assert starts["assay_completed_samples"] == 1_000 * SECOND
        assert starts["assay_gpu_energy_joules"] == 0
        assert got.service == {"service.name": "assay", "service.version": __version__}


def test_the_environment_names_the_collector_and_the_service(
    folder: CampaignFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "benchmarks")
    with collector() as got:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", got.url)
        assert endpoint_variable() == "OTEL_EXPORTER_OTLP_ENDPOINT"
        terminal = Terminal(quiet=True)
        terminal.folder = folder
        with Monitoring().of(terminal):
            pass
        assert got.service["service.name"] == "benchmarks"
        assert ("assay_up", frozenset()) in got.values
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert endpoint_variable() is None


def test_a_collector_that_refuses_is_told_of_once(folder: CampaignFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "10")
    said: list[str] = []
    with collector(status=400) as got:
        sender = Sender(Live(lambda: folder), f"{got.url}/v1/metrics", said.append)
        sender.start()
        seen(lambda: len(got.requests) > 2, lambda: "no requests")
        sender.stop()
        assert set(got.paths) == {"/v1/metrics"}
    (words,) = said
    assert words.startswith("metrics can't be sent (OTLP): Failed to export metrics batch code: 400")
    assert words.endswith("tried again every 0.01 s")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("collector:4318", "not the URL of a collector"),
        ("grpc://collector:4317", "not the URL of a collector"),
        ("http://me:secret@collector:4318", "OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_a_url_that_is_none_is_said_before_anything_starts(tmp_path: Path, url: str, words: str) -> None:
    file = write_settings(tmp_path / "assay.yaml", settings(tmp_path / "results"))
    done = CliRunner().invoke(main, ["run", str(file), "--otlp", url])
    assert done.exit_code == 2
    assert words in done.output
    assert "secret" not in done.output
    assert not (tmp_path / "results").exists()


def test_what_the_environment_asks_for_in_vain_is_said_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    for name, value, words in (
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "grpc isn't spoken here"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "soon", "not a number of milliseconds above 0"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with Monitoring().of(Terminal()):
                pass
        said = capsys.readouterr().err
        assert said.startswith("OTEL_EXPORTER_OTLP_ENDPOINT is set, but ")
        assert words in said


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(UserError, match=re.escape(how_to_add("opentelemetry"))):
        Sender(Live(lambda: None), "http://127.0.0.1:1", print)


def test_every_unit_has_its_name_there() -> None:
    assert {metric.unit for metric in METRICS} <= _UNITS.keys()
