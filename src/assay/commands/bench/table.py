"""The table at the end: a row a load, each figure with its interval where there is room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.analysis.loads import LATENCIES, PERCENTILES, LoadRow, Value

_NAMES = {"ttft_ns": "TTFT", "answer_ttft_ns": "to answer", "tpot_ns": "TPOT", "itl_ns": "ITL", "latency_ns": "latency"}
_WIDE = 160
_NONE = "-"


def table_text(rows: Sequence[LoadRow], width: int) -> str:
    """The rows in `width` columns: rates, then latencies; in one table where it is wide enough."""
    console = Console(width=width, highlight=False, color_system=None)
    with console.capture() as captured:
        console.print(_rates(rows, wide=width >= _WIDE))
        if width < _WIDE:
            console.print()
            console.print(_latencies(rows))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _rates(rows: Sequence[LoadRow], *, wide: bool) -> Table:
    shown = _shown(rows) if wide else []
    latencies = [f"{_NAMES[name]} p50/p95/p99 ms" for name in shown]
    goodput = any(row.goodput_per_s is not None for row in rows)
    table = _table("load", "ok", "failed", "requests/s", "output tokens/s", *latencies)
    for name in ("good/s", "good") if goodput else ():
        table.add_column(name, justify="right")
    for row in rows:
        cells = [row.load, str(row.ok), str(row.failed), _number(row.samples_per_s), _number(row.output_tokens_per_s)]
        cells += [_three(row, name) for name in shown]
        cells += [_number(row.goodput_per_s), _number(row.good_share, 100, " %")] if goodput else []
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _latencies(rows: Sequence[LoadRow]) -> Table:
    table = _table("load", "ms", *PERCENTILES)
    for row in rows:
        for place, name in enumerate(_shown(rows)):
            found = row.latency.get(name, {})
            cells = [row.load if place == 0 else "", _NAMES[name]]
            cells += [_number(found.get(percentile), 1e-6) for percentile in PERCENTILES]
            table.add_row(*(Text(cell) for cell in cells))
    return table


def _shown(rows: Sequence[LoadRow]) -> list[str]:
    """The time to the first answer token only where a model reasons before it."""
    return [name for name in LATENCIES if name != "answer_ttft_ns" or any(name in row.latency for row in rows)]


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="left" if name == "ms" else "right")
    return table


def _three(row: LoadRow, name: str) -> str:
    found = row.latency.get(name, {})
    return "/".join(f"{found[p].value / 1e6:.4g}" if p in found else _NONE for p in PERCENTILES)


def _number(value: Value | None, factor: float = 1.0, unit: str = "") -> str:
    """`12.3 (11.9 to 12.8)`; an end that isn't known is left open."""
    if value is None:
        return _NONE
    text = f"{value.value * factor:.4g}{unit}"
    if value.low is None and value.high is None:
        return text
    ends = ["?" if end is None else f"{end * factor:.4g}" for end in (value.low, value.high)]
    return f"{text} ({ends[0]}-{ends[1]})"
