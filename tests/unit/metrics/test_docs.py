"""docs/metrics.md lists every metric as it is told."""

from __future__ import annotations

from pathlib import Path

from assay.metrics.table import METRICS, Metric

ROOT = Path(__file__).resolve().parents[3]
HEAD = "| name | type | unit | labels | what |\n|---|---|---|---|---|\n"


def row(metric: Metric) -> str:
    name = f"{metric.name}_total" if metric.kind == "counter" else metric.name
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{name}` | {metric.kind} | {metric.unit} | {labels} | {metric.words} |\n"


def test_the_table_in_docs_is_that_of_the_code() -> None:
    wanted = HEAD + "".join(row(metric) for metric in METRICS)
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    assert wanted in text, f"put this into docs/metrics.md:\n{wanted}"
