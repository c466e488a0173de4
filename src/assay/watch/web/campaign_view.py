"""A campaign's scene as parts of its page; the words are the terminal's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assay.analysis.listing import names
from assay.digits import MONTHS, number_text
from assay.report import format as fmt
from assay.report.chart import MEDIAN, PALETTE
from assay.report.many import ENDS, MOST_ROWS, quantiles
from assay.runs import CampaignFolder, RunEntry, RunStatus
from assay.runs.alerts import AlertEvent
from assay.runs.index import IndexRow
from assay.runs.progress import EndpointProgress
from assay.serving.words import harmless
from assay.watch.course import Course, Outage
from assay.watch.follow import Scene, age_s
from assay.watch.web.hardware_view import HardwareCharts, node_parts
from assay.watch.web.parts import Bar, Cell, Columns, Line, Link, Panel, Part, Progress, Row, Span, View
from assay.watch.words import (
    count_words,
    headline,
    latency_text,
    left_words,
    pace_words,
    phase_words,
    runs_words,
    since_words,
)

_MOST_HAPPENED = 30


@dataclass(frozen=True)
class Planned:
    """A run of the plan: what it is called, and what came out."""

    title: str
    entry: RunEntry
    row: IndexRow


class CampaignView:
    """Makes the view of each scene of a campaign, one after the other."""

    def __init__(self, folder: CampaignFolder) -> None:
        self._folder = folder
        self._hardware = HardwareCharts()

    def of(self, scene: Scene, runs: Sequence[Planned]) -> View:
        """The scene; `runs` are all of the campaign, in the plan's order."""
        course = scene.course
        report = Link("The campaign's report", "report.html") if self._folder.report.is_file() else None
        series, panels = (
            ({}, []) if scene.hardware is None else self._hardware.of(scene.hardware, course.clock_offset_ns)
        )
        parts: dict[str, Part] = {
            "headline": harmless(headline(scene)),
            "runs_words": runs_words(scene),
            "where": f"{scene.title}: {phase_words(scene)}" if scene.title else phase_words(scene),
            "since": since_words(scene).removeprefix(", "),
            "pace": pace_words(scene),
            "report": report,
            "alerts": [_alert(alert, "bad") for alert in reversed(scene.alerts)],
            "latencies": _latencies(scene),
            "happened": _happened(scene),
            "runs": [_run(scene, self._folder, planned) for planned in runs],
            "log": [harmless(line) for line in scene.log],
            "charts": [*_charts(scene), *panels],
            "spans": [_span(outage) for outage in course.outages],
            **_progress(scene),
            **_endpoints(course),
            **node_parts(scene.nodes),
        }
        return View(parts, {"load": load_columns(course), **series}, age_s(course))


def load_columns(course: Course) -> Columns:
    """What happened between lines of progress, from the load's begin on."""
    points = course.history()
    columns: dict[str, list[float | None]] = {
        "tokens_per_s": [round(point.tokens_per_s, 1) for point in points],
        "samples_per_s": [round(point.samples_per_s, 3) for point in points],
        "ttft_ms": [_ms(point.ttft_p50_ns) for point in points],
        "tpot_ms": [_ms(point.tpot_p50_ns) for point in points],
        "in_flight": [point.in_flight for point in points],
    }
    return Columns([(course.begun_utc_ns + point.elapsed_ns) // 1_000_000 for point in points], columns)


def _ms(value_ns: int | None) -> float | None:
    return None if value_ns is None else round(value_ns / 1e6, 3)


def _progress(scene: Scene) -> dict[str, Part]:
    event = scene.course.newest
    if event is None:
        return {"progress": None, "elapsed": ""}
    done = Progress(event.completed, event.expected or max(event.issued, 1), count_words(event))
    elapsed = timedelta(seconds=event.elapsed_ns // 1_000_000_000)
    times = (f"{elapsed} under load", left_words(scene))
    return {"progress": done, "elapsed": "; ".join(words for words in times if words)}


def _latencies(scene: Scene) -> list[Row]:
    event = scene.course.newest
    if event is None:
        return []
    rows = []
    for name, sketch, limit_ns in (
        ("TTFT", event.ttft, scene.limits.ttft_ns),
        ("TPOT", event.tpot, scene.limits.tpot_ns),
        ("Whole answer", event.latency, None),
    ):
        p99_ns = sketch.quantile(0.99)
        over = limit_ns is not None and p99_ns is not None and p99_ns > limit_ns
        limit = "none" if limit_ns is None else f"{latency_text(limit_ns)}{', exceeded' if over else ''}"
        cells = [name, latency_text(sketch.quantile(0.5)), latency_text(p99_ns), limit]
        rows.append(Row(name, cells, "bad" if over else ""))
    return rows


def _endpoints(course: Course) -> dict[str, Part]:
    """All of them; of many, those that are out of service, the slowest and the fastest, and how all spread."""
    told = course.endpoints
    paces = {name: pace.tokens_per_s if (pace := course.pace(name)) else 0.0 for name in told}
    order = sorted(told, key=lambda name: (paces[name], name))
    if len(told) <= MOST_ROWS:
        shown, words, spread = sorted(told), "", []
    else:
        out = [name for name in order if told[name].out]
        still = [name for name in order if not told[name].out]
        shown = [*out[:MOST_ROWS], *still[:ENDS], *still[max(ENDS, len(still) - ENDS) :]]
        words = (
            f"Of {len(told):,}, {len(out):,} are out of service (at most {MOST_ROWS} are listed); then the {ENDS} "
            f"slowest and the {ENDS} fastest."
        )
        spread = _spread(told, paces)
    fastest = max(paces.values(), default=0.0) or 1.0
    rows = [_endpoint(name, told[name], paces[name], fastest) for name in shown]
    return {"endpoints": rows, "endpoints_words": words, "endpoints_spread": spread}


def _endpoint(name: str, endpoint: EndpointProgress, pace: float, fastest: float) -> Row:
    counts = (f"{count:,}" for count in (endpoint.completed, endpoint.failed, endpoint.in_flight))
    state = "out of service" if endpoint.out else "in service"
    bar = Bar(number_text(pace), pace / fastest)
    return Row(name, [harmless(name), state, bar, *counts], "bad" if endpoint.out else "")


def _spread(told: dict[str, EndpointProgress], paces: dict[str, float]) -> list[Row]:
    figures: dict[str, list[float]] = {
        "tokens/s": list(paces.values()),
        "done": [endpoint.completed for endpoint in told.values()],
        "failed": [endpoint.failed for endpoint in told.values()],
        "in flight": [endpoint.in_flight for endpoint in told.values()],
    }
    return [Row(name, [name, *map(fmt.number, quantiles(values))]) for name, values in figures.items()]


def _alert(alert: AlertEvent, mark: str = "") -> Row:
    since_ns = alert.since_ns + alert.clock_offset_ns
    return Row(f"{alert.key} {since_ns}", [clock(since_ns), harmless(alert.words)], mark)


def _happened(scene: Scene) -> list[Row]:
    """Outages, alerts, and what endpoints asked for, the newest first."""
    told: list[tuple[int, str, str]] = []
    for outage in scene.course.outages:
        told.append((outage.begun_ns, f"{outage.endpoint} out of service", "bad" if outage.ended_ns is None else ""))
        if outage.ended_ns is not None:
            told.append((outage.ended_ns, f"{outage.endpoint} back after {_lasted(outage)}", ""))
    for name, wait in scene.course.waits.items():
        told.append((wait.utc_ns, f"{name} busy: it asked for a wait of {fmt.duration(wait.wait_ns / 1e9)}", ""))
    told += [(event.utc_ns, f"alert {event.event}: {event.words}", "") for event in scene.alert_events]
    newest = sorted(told, reverse=True)[:_MOST_HAPPENED]
    return [Row(f"{utc_ns} {words}", [clock(utc_ns), harmless(words)], mark) for utc_ns, words, mark in newest]


def _span(outage: Outage) -> Span:
    end_ms = None if outage.ended_ns is None else outage.ended_ns // 1_000_000
    return Span(harmless(outage.endpoint), outage.begun_ns // 1_000_000, end_ms)


def _lasted(outage: Outage) -> str:
    assert outage.ended_ns is not None
    return fmt.duration((outage.ended_ns - outage.begun_ns) / 1e9)


def clock(utc_ns: int) -> str:
    """Such as "27 Nov, 13:53:01"; runs last for days."""
    at = datetime.fromtimestamp(utc_ns / 1e9, UTC)
    return f"{at.day} {MONTHS[at.month - 1]}, {at:%H:%M:%S}"


def _run(scene: Scene, folder: CampaignFolder, planned: Planned) -> Row:
    entry, row = planned.entry, planned.row
    on = scene.run is entry and not entry.ended and not scene.over
    status = "going on" if on else row.status
    reason = row.reason.partition("\n")[0]
    measured = row.samples_per_s is not None
    cells: list[Cell] = [
        planned.title if row.run is None else Link(planned.title, f"runs/{row.run}/"),
        row.mode,
        names(row.nodes),
        harmless(f"{status}: {reason}" if reason else status),
        harmless(row.verdict or ""),
        fmt.beside(fmt.figure(row.samples_per_s) if measured else "", row.unanswered),
        fmt.figure(row.output_tokens_per_s) if measured else "",
        Link("report", f"runs/{row.run}/report.html") if _has_report(folder, row) else "",
    ]
    return Row(row.key, cells, "bad" if entry.ended and entry.status != RunStatus.COMPLETED else "")


def _has_report(folder: CampaignFolder, row: IndexRow) -> bool:
    return row.run is not None and folder.run(row.run).report.is_file()


def _charts(scene: Scene) -> list[Panel]:
    if scene.course.newest is None:
        return []
    estimated = scene.course.newest.tokens_estimated
    ttft, tpot = (None if ns is None else ns / 1e6 for ns in (scene.limits.ttft_ns, scene.limits.tpot_ns))
    load = "load"
    return [
        Panel(
            "Output chunks" if estimated else "Output tokens",
            "a second",
            [Line("all endpoints", load, "tokens_per_s", PALETTE[0])],
        ),
        Panel("Samples", "a second", [Line("all endpoints", load, "samples_per_s", PALETTE[2])]),
        Panel("TTFT, median", "ms", [Line("TTFT", load, "ttft_ms", MEDIAN)], ttft, "limit of the p99"),
        Panel("TPOT, median", "ms", [Line("TPOT", load, "tpot_ms", MEDIAN)], tpot, "limit of the p99"),
        Panel("In flight", "samples", [Line("all endpoints", load, "in_flight", PALETTE[1])]),
    ]
