"""All rules of one run, from its events and telemetry so far to what is raised and cleared: no clock, no files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from assay.alerts.answers import deadline, endpoint_out, errors, stall
from assay.alerts.blocks import Block, Blocks
from assay.alerts.course import Course
from assay.alerts.hardware import OF_TELEMETRY, Hardware, preemptions
from assay.alerts.judge import Judge
from assay.alerts.options import Rule, Rules
from assay.alerts.rates import Before, Peers
from assay.alerts.readings import About, Reading
from assay.runs.alerts import AlertEvent
from assay.runs.node_facts import NodeFacts
from assay.runs.progress import AnyEvent, ProgressEvent
from assay.runs.record import RunRecord
from assay.runs.system import SystemRecord

Apply = Callable[[Any], Iterator[Reading]]
"""From a rule's settings to its readings."""


class RunAlerts:
    """Takes in what watchers follow; `judge` says what is raised and cleared by it."""

    def __init__(self, rules: Rules, record: RunRecord, system: SystemRecord | None) -> None:
        self._rules: dict[str, Rule] = {name: rule for name, rule in rules if rule is not None}
        self._course = Course(record.endpoints, record.max_tokens)
        self._hardware = Hardware(system)
        self._blocks = Blocks()
        self._peers = Peers(alike(record, system))
        self._before = Before(self._course.about)
        self._ended: list[Block] = []
        self._now_ns = 0
        self._judge = Judge(self._rules, record.clock_offset_ns)
        self._apply: dict[str, Apply] = {
            "slower_than_before": lambda rule: (r for block in self._ended for r in self._before.judge(block, rule)),
            "slower_than_peers": lambda rule: (r for block in self._ended for r in self._peers.judge(block, rule)),
            "errors": partial(errors, self._course),
            "stall": lambda rule: stall(self._course, rule, self._now_ns),
            "endpoint_out": partial(endpoint_out, self._course),
            "deadline": partial(deadline, self._course),
            "preemptions": partial(preemptions, self._hardware, self._course),
            **{name: partial(readings, self._hardware) for name, readings in OF_TELEMETRY.items()},
        }

    def take_progress(self, events: Iterable[AnyEvent]) -> None:
        for event in events:
            self._course.take(event)
            if isinstance(event, ProgressEvent) and event.endpoints and (block := self._blocks.take(event)):
                self._ended.append(block)

    def take_telemetry(self, batch: pa.RecordBatch) -> None:
        self._hardware.take(batch)

    def judge(self, now_ns: int, failed: Callable[[str], None]) -> list[AlertEvent]:
        """What changes by all that was taken in since the last time; `now_ns` is CLOCK_MONOTONIC.

        A rule that can't be applied is left out from then on; `failed` is told its name while the error is handled.
        """
        found, self._now_ns = [], now_ns
        for name, rule in list(self._rules.items()):
            try:
                found += self._judge.take(self._apply[name](rule))
            except Exception:  # whatever it is: an alert is no part of what is measured
                del self._rules[name]
                failed(name)
        self._ended = []
        return found


def alike(record: RunRecord, system: SystemRecord | None) -> list[list[About]]:
    """Endpoints that should be as fast as each other: with the same hardware, engine, model and settings."""
    nodes = {} if system is None else {node.name: node for node in system.nodes}
    groups: dict[str, list[About]] = defaultdict(list)
    for endpoint in record.endpoints:
        node = nodes.get(endpoint.node, NodeFacts(name=endpoint.node))
        facts = [
            endpoint.accelerators, node.cpu_model, node.cpu_count, endpoint.engine, endpoint.model, endpoint.path,
            endpoint.settings,
        ]  # fmt: skip
        groups[json.dumps(facts, sort_keys=True, default=str)].append(About(endpoint.node, endpoint.name))
    return list(groups.values())
