"""What both views say: phases, time left, how things stand, in words."""

from __future__ import annotations

import time

from assay.digits import number_text
from assay.runs.progress import Phase, ProgressEvent
from assay.watch.follow import Left, Scene, age_s

_PHASES: dict[Phase, str] = {
    "warmup": "warm-up",
    "start": "starting",
    "load": "under load",
    "drain": "all issued, waiting for the last answers",
    "closing": "putting the records together",
    "done": "over",
}
_SILENT_S = 30.0
"""A run that says nothing for so long is told as silent; its longest pause between lines of progress is shorter."""
_SHORT_S = 2.0
"""A phase that has lasted so long says it."""


def headline(scene: Scene) -> str:
    """Which campaign, and that it isn't of a real model where it is so."""
    simulated = " (simulated)" if scene.state.simulated else ""
    name = "" if scene.state.name == scene.state.kind else f"{scene.state.name}, "
    return f"{name}{scene.state.kind} campaign{simulated}"


def runs_words(scene: Scene) -> str:
    """How many runs are done, how many are to come, and how long that takes with what it rests on."""
    total = len(scene.state.runs)
    words = f"{scene.done} of {total} runs done"
    failed = [entry for entry in scene.state.runs if entry.ended and entry.status not in (None, "completed")]
    words += f", {len(failed)} of them not completed" if failed else ""
    if scene.over or not scene.state.todo:
        return words
    return f"{words}; {_all_left_words(scene.left)}"


def _all_left_words(left: Left) -> str:
    """Time until the last run ends, and what it rests on."""
    if left.known_s is not None:
        return f"all over in about {span(left.known_s)}, if runs take as long as those like them"
    if not left.unknown:
        return f"all over in {span(left.seconds)} at least: so long the plan sends requests"
    runs = "1 run to come is" if left.unknown == 1 else f"{left.unknown} runs to come are"
    unlike = f"{runs} unlike any that has ended"
    known = f"{span(left.seconds)} at least are left" if left.seconds else "the time left isn't known"
    return f"{unlike}: {known}"


def phase_words(scene: Scene) -> str:
    """Where the run stands, and whether it goes on."""
    if scene.controller:
        return scene.controller
    phase = scene.course.phase
    words = "getting ready" if phase is None else _PHASES[phase]
    silent_s = _silent_s(scene)
    return f"{words}; silent for {span(silent_s)}" if silent_s else words


def since_words(scene: Scene) -> str:
    """For how long a phase has lasted that doesn't say how far it is: a sign that it goes on."""
    if scene.controller or scene.course.phase in (None, "load", "done") or _silent_s(scene):
        return ""
    lasts_s = time.time() - scene.course.phase_utc_ns / 1e9
    return f", for {span(lasts_s)}" if lasts_s >= _SHORT_S else ""


def _silent_s(scene: Scene) -> float | None:
    """For how long nothing was said, where that is long."""
    silent_s = age_s(scene.course)
    return silent_s if silent_s is not None and silent_s > _SILENT_S else None


def count_words(event: ProgressEvent) -> str:
    """Samples done of those that will be issued."""
    of = f"/{event.expected:,}" if event.expected is not None else f" of {event.issued:,} issued"
    return f"{event.completed:,}{of} samples"


def left_words(scene: Scene) -> str:
    """Time until the last answer; empty where nothing is known, it has come, or nobody goes on."""
    event = scene.course.newest
    if event is None or event.left is None or event.completed == event.expected or scene.over:
        return ""
    if scene.course.phase in ("closing", "done"):
        return ""
    return f"about {span(event.left.ns / 1e9)} left, by {event.left.basis}"


def pace_words(scene: Scene) -> str:
    """Rates of late; over the whole load where too little is known of late."""
    event, pace = scene.course.newest, scene.course.pace()
    if event is None:
        wave = scene.course.wave
        return "" if wave is None else f"wave {wave.wave} of warm-up prompts"
    unit = "chunks/s (the server counts no tokens)" if event.tokens_estimated else "tokens/s"
    if pace is None:
        seconds = max(1e-9, event.elapsed_ns / 1e9)
        rates = (
            f"{number_text(event.completed / seconds)} samples/s, {number_text(event.output_tokens / seconds)} {unit}"
        )
    else:
        rates = f"{number_text(pace.samples_per_s)} samples/s, {number_text(pace.tokens_per_s)} {unit} of late"
    failed = f", {event.failed:,} failed" if event.failed else ""
    return f"{rates}; {event.in_flight:,} in flight, {event.queued:,} waiting{failed}"


def latency_text(value_ns: int | None) -> str:
    """Milliseconds, or seconds from one on; the sketch behind them is right within 2 %."""
    if value_ns is None:
        return "-"
    return f"{value_ns / 1e9:.2f} s" if value_ns >= 1e9 else f"{number_text(value_ns / 1e6, 3)} ms"


def span(seconds: float) -> str:
    """A time as people say it."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 5400:
        return f"{whole / 60:.0f} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
