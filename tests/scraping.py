"""The metrics page of a campaign that a process carries out, read as Prometheus reads it."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from tests.campaigns import Controller, settings, write_settings

from assay.metrics import Live
from assay.metrics.prometheus import LiveCollector

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]

_OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}
_SEEN_S = 120.0


def scrape(url: str) -> list[Sample]:
    """Every sample of the page, in OpenMetrics."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=_OPENMETRICS), timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        text = answer.read().decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def page_values(live: Live) -> Values:
    """Every sample of the page, in OpenMetrics, by its name and labels."""
    families = text_string_to_metric_families(generate_latest(LiveCollector(live)).decode())  # type: ignore[arg-type]
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def seen(what: Callable[[], bool], said: Callable[[], str]) -> None:
    """Wait until it is so."""
    give_up_s = time.monotonic() + _SEEN_S
    while not what():
        assert time.monotonic() < give_up_s, said()
        time.sleep(0.1)


@contextmanager
def under_load(folder: Path, *arguments: str) -> Iterator[Controller]:
    """A simulated campaign on two nodes whose load goes on until it is told to end."""
    engine = {"kind": "simulated", "ttft_ms": 5, "itl_ms": 1, "output_tokens": 8, "window": 4}
    values = settings(
        folder / "results", scenarios=["Server"], engine=engine, target_qps={"Server": 20}, queries={"Server": 100_000}
    )
    controller = Controller(write_settings(folder / "assay.yaml", values), *arguments)
    try:
        yield controller
    finally:
        if not controller.ended:
            controller.kill()
        assert controller.gone()


def page_of(controller: Controller) -> str:
    """The address of the page, as the controller says it."""
    found: list[str] = []

    def said() -> bool:
        found.extend(re.findall(r"metrics for Prometheus: (\S+)", controller.log.read_text()))
        return bool(found)

    seen(said, controller.log.read_text)
    return found[0]
