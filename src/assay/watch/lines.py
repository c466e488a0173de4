"""The view for whatever is no terminal: a line where something changed, and one every now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.runs.alerts import AlertEvent, Key
from assay.watch.follow import Scene
from assay.watch.hardware import hardware_lines
from assay.watch.words import count_words, headline, latency_text, left_words, pace_words, phase_words, runs_words

_EVERY_NS = 10_000_000_000


@dataclass
class Narrator:
    """Each `tell` gives the lines that are new."""

    _headline: str = ""
    _runs: str = ""
    _phase: str = ""
    _out: frozenset[str] = frozenset()
    _alerts: dict[Key, AlertEvent] = field(default_factory=dict)
    _told_ns: int = -_EVERY_NS

    def tell(self, scene: Scene) -> list[str]:
        lines = []
        if headline(scene) != self._headline:
            self._headline = headline(scene)
            lines.append(self._headline)
        runs = f"{scene.done} of {len(scene.state.runs)}"
        if runs != self._runs:
            self._runs = runs
            lines.append(runs_words(scene))
        phase = f"{scene.title}: {phase_words(scene)}" if scene.title else phase_words(scene)
        if phase.partition("; silent")[0] != self._phase:
            self._phase, self._told_ns = phase.partition("; silent")[0], -_EVERY_NS
            lines.append(phase)
        return [*lines, *self._news(scene), *self._progress(scene)]

    def _news(self, scene: Scene) -> Iterator[str]:
        """Alerts as they are raised and as they are cleared."""
        alerts, self._alerts = self._alerts, {alert.key: alert for alert in scene.alerts}
        yield from (f"alert: {alert.words}" for key, alert in self._alerts.items() if key not in alerts)
        yield from (f"alert over: {alert.words}" for key, alert in alerts.items() if key not in self._alerts)

    def _progress(self, scene: Scene) -> list[str]:
        event = scene.course.newest
        if event is None:
            return []
        out = frozenset(name for name, endpoint in scene.course.endpoints.items() if endpoint.out)
        lines = [f"{name} is out of service" for name in sorted(out - self._out)]
        lines += [f"{name} is back" for name in sorted(self._out - out)]
        self._out = out
        if event.elapsed_ns - self._told_ns >= _EVERY_NS:
            self._told_ns = event.elapsed_ns
            ttft, tpot = (latency_text(sketch.quantile(0.99)) for sketch in (event.ttft, event.tpot))
            parts = (count_words(event), pace_words(scene), f"TTFT p99 {ttft}, TPOT p99 {tpot}", left_words(scene))
            lines.append("; ".join(part for part in parts if part))
            lines += hardware_lines(scene.nodes)
        return lines
