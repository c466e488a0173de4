"""The view for a terminal: everything on one screen, whatever its size; numbers are never cut."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich.cells import cell_len
from rich.text import Text

from assay.runs.progress import ProgressEvent
from assay.watch.follow import Scene
from assay.watch.grid import bar, cut, fitting, wrapped
from assay.watch.tables import endpoint_lines, node_lines
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

_BLOCKS = "▁▂▃▄▅▆▇█"
_BAR, _SHORTEST_BAR = 16, 6
_SPARK = 30
_LABEL = 8  # columns of the words before sparks
_ALERTS, _ENDPOINTS, _NODES, _LOG = 3, 4, 3, 1  # lines that each has, if it needs them, however small the screen is
_MOST_LOG = 4
_ROOMY = 30  # lines from which on some are left empty
_TIGHT = 16  # lines below which nothing is drawn of how latencies went


def screen(scene: Scene, width: int, height: int) -> Text:
    """The scene in `width` columns and at most `height` lines."""
    lines = _head(scene, width, tight=height < _TIGHT)
    gap = [Text()] if height >= _ROOMY else []
    event = scene.course.newest
    told = [wrapped(f"! {alert.words}", width, "bold red") for alert in reversed(scene.alerts)]
    wanted = [
        (_ALERTS, sum(map(len, told))),
        (_ENDPOINTS, len(scene.course.endpoints) + 1 if event is not None else 0),
        (_NODES, len(scene.nodes) + 1 if scene.nodes else 0),
        (_LOG, min(_MOST_LOG, len(scene.log))),
    ]
    gaps = len(gap) * sum(most > 0 for _, most in wanted)
    alerts, endpoints, nodes, log = shares(height - len(lines) - gaps, wanted)
    for part in (
        alert_lines(told, alerts),
        endpoint_lines(scene.course, width, endpoints) if event is not None else [],
        node_lines(scene.nodes, width, nodes),
        [cut(line, width, "dim") for line in scene.log[len(scene.log) - log :]],
    ):
        lines += [*gap, *part] if part else []
    return Text("\n").join([part for line in lines for part in fitting(line, width)][:height])


def shares(room: int, wanted: Sequence[tuple[int, int]]) -> list[int]:
    """Lines for each part: first what it needs at least, the first parts first; then in turn, until all have enough."""
    given: list[int] = []
    for least, most in wanted:
        given.append(max(0, min(least, most, room - sum(given))))
    while sum(given) < room and any(have < most for have, (_, most) in zip(given, wanted, strict=True)):
        for place, (_, most) in enumerate(wanted):
            if given[place] < most and sum(given) < room:
                given[place] += 1
    return given


def _head(scene: Scene, width: int, *, tight: bool) -> list[Text]:
    phase = f"{scene.title}: {phase_words(scene)}" if scene.title else phase_words(scene)
    phase += since_words(scene)
    lines = wrapped(headline(scene), width, "bold") + wrapped(runs_words(scene), width) + wrapped(phase, width)
    event = scene.course.newest
    if event is None:
        return lines + wrapped(pace_words(scene), width)
    lines += _progress(scene, event, width) + wrapped(pace_words(scene), width)
    latencies = _latency_words(scene, event)
    if tight:
        return lines + wrapped("; ".join(f"{name} {words}" for name, words, _ in latencies), width)
    return lines + _sparks(scene, latencies, width)


def _progress(scene: Scene, event: ProgressEvent, width: int) -> list[Text]:
    """Bar, counts and time; the time left follows where it fits, else it has a line of its own."""
    counts, left = f"{count_words(event)}  {timedelta(seconds=event.elapsed_ns // 1_000_000_000)}", left_words(scene)
    room = width - cell_len(counts) - 1
    beside = cell_len(left) + 2 if left else 0
    together = room - beside >= _SHORTEST_BAR
    size = min(_BAR, room - beside if together else room)
    line = Text()
    if size >= _SHORTEST_BAR:
        line = bar(event.completed / (event.expected or max(event.issued, 1)), size).append(" ")
    line.append(counts)
    return [line.append(f"  {left}" if left else "")] if together else [line, *wrapped(left, width)]


def _latency_words(scene: Scene, event: ProgressEvent) -> list[tuple[str, str, str]]:
    """Name, percentiles with the limit, and style."""
    found = []
    for name, sketch, limit_ns in (
        ("TTFT", event.ttft, scene.limits.ttft_ns),
        ("TPOT", event.tpot, scene.limits.tpot_ns),
    ):
        p99_ns = sketch.quantile(0.99)
        words = f"p50 {latency_text(sketch.quantile(0.5))}  p99 {latency_text(p99_ns)}"
        over = limit_ns is not None and p99_ns is not None and p99_ns > limit_ns
        words += f"  limit {latency_text(limit_ns)}{', exceeded' if over else ''}" if limit_ns else ""
        found.append((name, words, "red" if over else ""))
    return found


def _sparks(scene: Scene, latencies: Sequence[tuple[str, str, str]], width: int) -> list[Text]:
    """How latencies and tokens/s went, each beside its words."""
    points = scene.course.points
    courses: list[Sequence[float | None]] = [
        [point.ttft_p50_ns for point in points],
        [point.tpot_p50_ns for point in points],
        [point.tokens_per_s for point in points],
    ]
    rows = [*latencies, ("tokens/s", "", "")]
    room = max(0, min(_SPARK, width - _LABEL - 2 - max(cell_len(words) for _, words, _ in rows)))
    lines = []
    for (name, words, style), values in zip(rows, courses, strict=True):
        line = Text(f"{name:{_LABEL}} {spark(values, room):{room}} ").append(words, style=style)
        line.rstrip()
        lines.append(line)
    return lines


def alert_lines(told: Sequence[Sequence[Text]], most: int) -> list[Text]:
    """The lines of alerts, the newest first, as far as there is room; then how many others stand."""
    lines: list[Text] = []
    for number, own in enumerate(told):
        rest = len(told) - number
        if len(lines) + len(own) > most - (rest > 1):
            words = f"! {rest} {'more ' if lines else ''}alert{'' if rest == 1 else 's'}"
            return [*lines, Text(words, style="bold red")] if most > 0 else []
        lines += own
    return lines


def spark(values: Sequence[float | None], most: int = _SPARK) -> str:
    """The last values as blocks from zero up, what is below it as the lowest; a gap where there is none."""
    shown = values[-most:] if most else []
    highest = max((value for value in shown if value is not None), default=0.0)
    if highest <= 0:
        return ""
    last = len(_BLOCKS) - 1
    return "".join(" " if value is None else _BLOCKS[round(max(0.0, value) / highest * last)] for value in shown)
