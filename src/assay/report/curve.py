"""Throughput against pace on a campaign's page: the sentences that answer, and the table of points."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.curve import Curve, CurvePoint, curve_of
from assay.analysis.loads import Value
from assay.analysis.saturation import FLAT
from assay.report import format as fmt
from assay.report.client_shaped import DOUBT
from assay.report.page import Block, Headline, Rows, Table, Text
from assay.report.pareto import PRICES, curve_chart
from assay.report.sweeps import Points, saturation_words, server_saturation

_SOURCE = "runs/*/requests.parquet"


def curve_answer(curve: Curve, points: Points) -> Iterator[str]:
    """The peak, the knee, and the pace of the fewest in flight.

    `points` are the same loads as groups of runs.
    """
    yield _most(curve, points)
    yield saturation_words(points)
    least = curve.loads[0]
    yield f"At {least.load} each user gets {_sentence(least.per_user, 'tokens/s')}, TTFT p90 {_ttft(least)}."


def _most(curve: Curve, points: Points) -> str:
    peak = _peak(curve, points)
    if not curve.of_server:
        what = f"The most that came, where {DOUBT} it"
    else:
        what = (
            "Peak" if len(curve.of_server) == len(curve.points) else "The most of the points that are the server's own"
        )
    more = ", where more in flight gives at most a tenth more" if peak != _highest(curve) else ""
    return (
        f"{what}: {_sentence(peak.output_tokens_per_s, 'output tokens/s')} at {peak.load}{more}, with "
        f"{_sentence(peak.per_user, 'tokens/s')} for each user and TTFT p90 {_ttft(peak)}."
    )


def _peak(curve: Curve, points: Points) -> CurvePoint:
    """The first of the saturated loads, if the highest rate is hardly above its: of those after it only waits grow."""
    highest, found = _highest(curve), server_saturation(points)
    if found is None or found.state != "saturated":
        return highest
    first = next((point for point in curve.of_server if point.in_flight == found.at.value), highest)
    return first if highest.output_tokens_per_s.value <= FLAT * first.output_tokens_per_s.value else highest


def _highest(curve: Curve) -> CurvePoint:
    return max(curve.of_server or curve.points, key=lambda point: point.output_tokens_per_s.value)


def curve_headlines(curve: Curve, points: Points) -> list[Headline]:
    """The peak and the pace of the fewest in flight."""
    peak, least = _peak(curve, points), curve.loads[0]
    what = "Peak" if len(curve.of_server) == len(curve.points) else "Most"
    return [_headline(f"{what}, at {peak.load}", peak.output_tokens_per_s, "output tokens/s"),
            _headline(f"Pace at {least.load}", least.per_user, "tokens/s for each user"),
            _headline(f"Pace at {peak.load}", peak.per_user, "tokens/s for each user")]  # fmt: skip


def _headline(name: str, value: Value, unit: str) -> Headline:
    return Headline(name, fmt.number(value.value), fmt.interval(value.low, value.high), _SOURCE, unit)


def curve_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """The picture and the table; nothing where there is no curve."""
    curve = curve_of(analysis.groups)
    if curve is None:
        return
    yield curve_chart({"": curve})
    shown = [name for name in PRICES if any(name in point.expenses for point in curve.points)]
    each = curve.accelerators is not None
    rows: Rows = [
        (
            point.load, fmt.number(len(point.runs)),
            fmt.beside(_cell(point.output_tokens_per_s), point.unanswered),
            *([_cell(point.per_accelerator)] if each else []),
            _cell(point.per_user), _cell(point.ttft_p90_ns, 1e-6),
            *(_cell(point.expenses.get(name)) for name in shown),
            "yes" if point.front else "no",
            f"no: {DOUBT} it" if point.client_bound else "yes",
        )
        for point in curve.points
    ]  # fmt: skip
    prices = [f"{PRICES[name]} ({curve.units[name]})" for name in shown]
    columns = (
        "Load", "Repeats", "Output tokens/s", *(["For each accelerator"] if each else []), "Tokens/s for each user",
        "TTFT p90 (ms)", *prices, "On the front", "The server's own",
    )  # fmt: skip
    numeric = frozenset(range(1, len(columns) - 2))
    yield Table("Points, mean over repeats, with 95 % intervals", columns, rows, numeric, _SOURCE)
    yield Text(
        "Tokens/s for each user are 1000 / TPOT p90 in ms, as MLPerf Endpoints has them. A point is on the front where "
        "no other of the server's own gives both more tokens/s and a faster pace."
    )


def _ttft(point: CurvePoint) -> str:
    value = point.ttft_p90_ns
    return fmt.NOT_MEASURED if value is None else _sentence(_ms(value), "ms")


def _ms(value: Value) -> Value:
    return Value(value=value.value / 1e6, low=value.low and value.low / 1e6, high=value.high and value.high / 1e6)


def _sentence(value: Value, unit: str) -> str:
    return fmt.measured(value.value, unit, value.low, value.high)


def _cell(value: Value | None, factor: float = 1.0) -> str:
    if value is None:
        return fmt.NOT_MEASURED
    low, high = (None if bound is None else bound * factor for bound in (value.low, value.high))
    return fmt.with_interval(value.value * factor, low, high)
