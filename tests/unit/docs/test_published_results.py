"""docs/published-results.md says what the data says, and all data has a round."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from assay.benchmarks import mlperf
from assay.benchmarks.mlperf import PublishedResult, llm_facts, published_results

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "published-results.md").read_text()
FACTS = yaml.safe_load((Path(mlperf.__file__).parent / "language.yaml").read_text())["benchmarks"]


def rates() -> list[str]:
    """The rows of llama3.1-8b: each rate with its round and submitter."""
    return _rows("llama3.1-8b", ("Offline", "Server", "Interactive"))


def edge() -> list[str]:
    return _rows("llama3.1-8b-edge", ("Offline", "SingleStream"))


def _rows(benchmark: str, scenarios: tuple[str, ...]) -> list[str]:
    results = published_results(benchmark)
    rows = []
    for accelerator in dict.fromkeys(result.accelerator for result in results):
        own = {result.scenario: result for result in results if result.accelerator == accelerator}
        cells = [_cell(own[scenario]) if scenario in own else "-" for scenario in scenarios]
        rows.append(f"| {' | '.join([accelerator, *cells])} |")
    return rows


def _cell(result: PublishedResult) -> str:
    value = f"{result.latency_ms:,.0f} ms" if result.rate is None else f"{result.rate:,.0f}"
    return f"{value} ({', '.join(word for word in (result.round, result.submitter) if word)})"


def references() -> list[str]:
    """One row a benchmark of language models."""
    rows = []
    for name, entry in FACTS.items():
        scores = ", ".join(f"{metric} {value:.10g}" for metric, value in entry["reference"].items())
        rows.append(f"| {name} | {', '.join(entry['rounds'])} | {scores} | {100 * entry['share']:g} % |")
    return rows


def test_the_page_has_every_row() -> None:
    for row in (*rates(), *edge(), *references()):
        assert row in PAGE


def test_the_page_has_no_other_row() -> None:
    heads = {"| accelerator ", "| benchmark "}
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not any(map(line.startswith, heads))]
    assert sorted(rows) == sorted((*rates(), *edge(), *references()))


def test_every_result_is_of_a_benchmark_that_the_round_had() -> None:
    for benchmark in ("llama3.1-8b", "llama3.1-8b-edge"):
        assert published_results(benchmark)
        for result in published_results(benchmark):
            for of_round in re.findall(r"v\d\.\d", result.round):
                assert of_round in FACTS[benchmark]["rounds"]
                assert llm_facts(benchmark, of_round)
            assert (result.rate is None) != (result.latency_ms is None)
    assert published_results("smollm2-135m") == ()
