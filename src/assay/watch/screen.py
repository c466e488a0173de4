"""The view for a terminal: everything on one screen, whatever its size; numbers are never cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from assay.digits import number_text
from assay.runs.progress import EndpointProgress, ProgressEvent
from assay.runs.sketch import Sketch
from assay.serving.words import harmless
from assay.watch.course import Course
from assay.watch.follow import Scene
from assay.watch.words import count_words, headline, latency_text, left_words, pace_words, phase_words, runs_words

_BLOCKS = "▁▂▃▄▅▆▇█"
_FIXED = 12  # lines that aren't endpoints or logs
_FEWEST = 3  # endpoints that have room however small the screen is
_BAR = 16
_SPARK = 30


def screen(scene: Scene, width: int, height: int) -> RenderableType:
    """The scene in `width` columns and `height` lines."""
    parts: list[RenderableType] = [
        _line(headline(scene), "bold"),
        _line(runs_words(scene)),
        _line(f"{scene.title}: {phase_words(scene)}" if scene.title else phase_words(scene)),
    ]
    event = scene.course.newest
    if event is None:
        parts.append(_line(pace_words(scene)))
    else:
        endpoints = _endpoints(scene.course, max(_FEWEST, height - _FIXED - min(4, len(scene.log))))
        parts += [_progress(event), _line(pace_words(scene)), _latencies(scene, event), Text(), endpoints]
    room = max(0, min(4, height - _FIXED - _FEWEST))
    parts += [Text(harmless(line), style="dim", no_wrap=True, overflow="ellipsis") for line in scene.log[-room:]]
    return Group(*parts)


def _line(text: str, style: str = "") -> Text:
    return Text(harmless(text), style=style)


def _progress(event: ProgressEvent) -> Table:
    grid = Table.grid(padding=(0, 1))
    total = event.expected or max(event.issued, 1)
    elapsed = timedelta(seconds=event.elapsed_ns // 1_000_000_000)
    bar = ProgressBar(total=total, completed=event.completed, width=_BAR)
    grid.add_row(bar, Text(count_words(event)), Text(str(elapsed)), Text(left_words(event)))
    return grid


def _latencies(scene: Scene, event: ProgressEvent) -> Table:
    grid = Table.grid(padding=(0, 1))
    points = scene.course.points
    rows: list[tuple[str, list[float | None], Sketch, int | None]] = [
        ("TTFT", [point.ttft_p50_ns for point in points], event.ttft, scene.limits.ttft_ns),
        ("TPOT", [point.tpot_p50_ns for point in points], event.tpot, scene.limits.tpot_ns),
    ]
    for name, values, sketch, limit_ns in rows:
        p99_ns = sketch.quantile(0.99)
        words = f"p50 {latency_text(sketch.quantile(0.5))}  p99 {latency_text(p99_ns)}"
        over = limit_ns is not None and p99_ns is not None and p99_ns > limit_ns
        words += f"  limit {latency_text(limit_ns)}{', exceeded' if over else ''}" if limit_ns else ""
        grid.add_row(Text(name), Text(spark(values)), Text(words, style="red" if over else ""))
    grid.add_row(Text("tokens/s"), Text(spark([point.tokens_per_s for point in points])), Text())
    return grid


def _endpoints(course: Course, room: int) -> Table:
    """As many endpoints as there is room for: first those that are out, then the slowest."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("endpoint", overflow="ellipsis", no_wrap=True, max_width=24)
    table.add_column("", no_wrap=True)
    for head in ("done", "failed", "in flight", "tokens/s"):
        table.add_column(head, justify="right", no_wrap=True)
    told = course.endpoints
    paces = {name: pace.tokens_per_s if (pace := course.pace(name)) else 0.0 for name in told}
    fastest = max(paces.values(), default=0.0) or 1.0
    ordered = sorted(told, key=lambda name: (not told[name].out, paces[name]))
    shown = ordered if len(ordered) <= room else ordered[: room - 1]
    for name in shown if len(ordered) > room else sorted(shown):
        table.add_row(harmless(name), *_cells(told[name], paces[name], fastest))
    if rest := len(ordered) - len(shown):
        table.add_row(f"and {rest} more", "", "", "", "", "")
    return table


def _cells(endpoint: EndpointProgress, pace: float, fastest: float) -> Iterable[RenderableType]:
    yield Text("out of service", style="red") if endpoint.out else ProgressBar(total=fastest, completed=pace, width=14)
    yield f"{endpoint.completed:,}"
    yield f"{endpoint.failed:,}"
    yield f"{endpoint.in_flight:,}"
    yield number_text(pace)


def spark(values: Sequence[float | None], most: int = _SPARK) -> str:
    """The last values as blocks from zero up; a gap where there is none."""
    shown = values[-most:]
    highest = max((value for value in shown if value is not None), default=0.0)
    if highest <= 0:
        return ""
    last = len(_BLOCKS) - 1
    return "".join(" " if value is None else _BLOCKS[min(last, round(value / highest * last))] for value in shown)
