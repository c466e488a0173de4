"""From what there is to see of a campaign to the metrics' values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from assay.metrics import table
from assay.metrics.buckets import histogram
from assay.metrics.family import MOST, Family, Point, grouped
from assay.metrics.hardware import hardware
from assay.runs import RunStatus
from assay.runs.alerts import AlertEvent
from assay.runs.progress import EndpointProgress, Phase, ProgressEvent
from assay.watch import Scene


def families(scene: Scene, nodes: Mapping[str, str]) -> list[Family]:
    """What is known of a campaign now. `nodes`: each endpoint's."""
    return grouped(_points(scene, nodes))


def _points(scene: Scene, nodes: Mapping[str, str]) -> Iterator[Point]:
    yield from _campaign(scene)
    if scene.run is not None and scene.run.run is not None:
        run = (scene.state.id, scene.run.run, str(scene.run.scenario))
        yield from _run(scene, run)
        yield from _endpoints(scene.course.endpoints, nodes, run)
        yield from hardware(scene.nodes, run)
        yield from _alerts(scene.alerts, run)


def _campaign(scene: Scene) -> Iterator[Point]:
    state = scene.state
    labels = (state.id,)
    yield table.CAMPAIGN_INFO, (*labels, state.name, state.kind, str(state.simulated).lower()), 1
    yield table.CAMPAIGN_OVER, labels, state.ended_utc is not None
    completed = sum(entry.status is RunStatus.COMPLETED for entry in state.runs)
    to_come = len(state.todo)
    counts = {"completed": completed, "not_completed": len(state.runs) - completed - to_come, "to_come": to_come}
    for word, count in counts.items():
        yield table.CAMPAIGN_RUNS, (*labels, word), count
    yield table.CAMPAIGN_LEFT, labels, scene.left.known_s


def _run(scene: Scene, run: tuple[str, str, str]) -> Iterator[Point]:
    assert scene.run is not None
    course = scene.course
    yield table.RUN_INFO, (*run, scene.title, str(scene.run.mode)), 1
    for phase in get_args(Phase):
        yield table.RUN_PHASE, (*run, phase), course.phase == phase
    yield table.RUN_TOLD, run, _seconds(course.last_utc_ns)
    yield table.TTFT_LIMIT, run, _seconds(scene.limits.ttft_ns)
    yield table.TPOT_LIMIT, run, _seconds(scene.limits.tpot_ns)
    if course.newest is not None:
        yield from _load(course.newest, run)


def _load(event: ProgressEvent, run: tuple[str, ...]) -> Iterator[Point]:
    yield table.RUN_ELAPSED, run, _seconds(event.elapsed_ns)
    yield table.RUN_LEFT, run, None if event.left is None else _seconds(event.left.ns)
    yield table.EXPECTED, run, event.expected
    yield table.ISSUED, run, event.issued
    yield table.COMPLETED, run, event.completed
    yield table.FAILED, run, event.failed
    yield table.IN_FLIGHT, run, event.in_flight
    yield table.QUEUED, run, event.queued
    yield table.INPUT_TOKENS, run, event.input_tokens
    yield table.OUTPUT_TOKENS, run, event.output_tokens
    yield table.TOKENS_ESTIMATED, run, event.tokens_estimated
    yield table.TTFT, run, histogram(event.ttft)
    yield table.TPOT, run, histogram(event.tpot)
    yield table.LATENCY, run, histogram(event.latency)


def _endpoints(told: Mapping[str, EndpointProgress], nodes: Mapping[str, str], run: tuple[str, ...]) -> Iterator[Point]:
    if not told:
        return
    out = sum(endpoint.out for endpoint in told.values())
    yield table.ENDPOINTS, (*run, "in_service"), len(told) - out
    yield table.ENDPOINTS, (*run, "out_of_service"), out
    for name in sorted(told)[:MOST]:
        labels, endpoint = (*run, name, nodes.get(name, "")), told[name]
        yield table.ENDPOINT_IN_SERVICE, labels, not endpoint.out
        yield table.ENDPOINT_COMPLETED, labels, endpoint.completed
        yield table.ENDPOINT_FAILED, labels, endpoint.failed
        yield table.ENDPOINT_IN_FLIGHT, labels, endpoint.in_flight
        yield table.ENDPOINT_INPUT_TOKENS, labels, endpoint.input_tokens
        yield table.ENDPOINT_OUTPUT_TOKENS, labels, endpoint.output_tokens


def _alerts(alerts: Sequence[AlertEvent], run: tuple[str, ...]) -> Iterator[Point]:
    yield table.ALERTS, run, len(alerts)
    for alert in alerts[:MOST]:
        yield table.ALERT, (*run, alert.rule, alert.endpoint, alert.node, alert.device.removeprefix("gpu")), 1


def _seconds(value_ns: int | None) -> float | None:
    return None if value_ns is None else value_ns / 1e9
