"""What a submission says of its systems and its weights is all there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from assay.audit.evidence import Evidence
from assay.audit.registry import Check, evidence_rule
from assay.audit.submitters import JsonFile, Submitter
from assay.audit.verdicts import Judgement
from assay.benchmarks.mlperf.system_fields import Field, fields_of

_STATUSES = ("available", "preview", "rdi")
_TYPES = ("datacenter", "edge", "datacenter,edge", "edge,datacenter")
_COUNTS = ("number_of_nodes", "accelerators_per_node")
_COUNT = re.compile(r"\s*\d{1,9}\s*")


@evidence_rule(
    "system-description",
    explain="""
Of a tree that is said to be a whole submission: each system in results has its systems/SYSTEM.json, and none is
described that has no results. It holds every field, and those that need an answer have one ("N/A" and "0" are answers;
an empty text and a bare 0 are none). division and submitter are the folders' names, status is available, preview or
rdi, system_type is one that the benchmark is for, number_of_nodes and accelerators_per_node are counts. In the network
division is_network is "true" and the network's fields are there; in the closed division it isn't.
""",
    source="MLPerf submission checker: system checks (v6.0, v6.1)",
)
def check_systems(evidence: Evidence) -> Iterator[Check]:
    for submitter in evidence.submitters:
        with_results = {result.system for result in submitter.results}
        for system, file in submitter.systems.items():
            objections = [file.problem] if file.problem else list(_objections(file, submitter, system))
            if system not in with_results:
                objections.append("there are no results of it")
            yield from _judged(file, objections, "the system is described")


@evidence_rule(
    "measurements",
    explain="""
Of a tree that is said to be a whole submission: each result's measurements.json says what its weights and its input
are, all five fields of it.
""",
    source="MLPerf submission checker: measurement checks (v6.0, v6.1)",
)
def check_measurements(evidence: Evidence) -> Iterator[Check]:
    for submitter in evidence.submitters:
        for result in submitter.results:
            file = result.measurements
            objections = [file.problem] if file.problem else list(_fields(file.data, fields_of("measurements")))
            yield from _judged(file, objections, "weights and input are described")


def _judged(file: JsonFile, objections: list[str], words: str) -> Iterator[Check]:
    for objection in objections:
        yield Check(Judgement.UNSUPPORTED, words, objection, file.name, file.where)
    if not objections:
        yield Check(Judgement.SUPPORTED, words, f"{len(file.data)} fields", file.name, file.where)


def _objections(file: JsonFile, submitter: Submitter, system: str) -> Iterator[str]:
    data = file.data
    yield from _fields(data, fields_of("system"))
    for name, folder in (("division", submitter.division), ("submitter", submitter.organisation)):
        if str(data.get(name, "")).lower() != folder.lower():
            yield f"{name} is {data.get(name, '')!r:.60}, and the folder's name {folder!r}"
    if data.get("status") and str(data["status"]).lower() not in _STATUSES:
        yield f"status is {data['status']!r:.60}, and none of {', '.join(_STATUSES)}"
    kind = data.get("system_type")
    if kind and kind not in _TYPES:
        yield f"system_type is {kind!r:.60}, and none of {', '.join(_TYPES)}"
    elif isinstance(kind, str) and kind:
        yield from _suites(kind, submitter, system)
    for name in _COUNTS:
        if data.get(name) and not _COUNT.fullmatch(str(data[name])):
            yield f"{name} is {data[name]!r:.60}, and no count"
    network = str(data.get("is_network", "")).lower() == "true"
    if network != (submitter.division == "network") and submitter.division != "open":
        yield f"is_network is {data.get('is_network', 'not there')!r:.60} in the {submitter.division} division"
    if data.get("is_network"):
        yield from (f"{field.name} is not there" for field in fields_of("network") if field.name not in data)


def _fields(data: Mapping[str, Any], fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        if field.name not in data:
            yield f"{field.name} is not there"
        elif not field.may_be_empty and not data[field.name]:
            yield f"{field.name} is empty"


def _suites(kind: str, submitter: Submitter, system: str) -> Iterator[str]:
    for suite in sorted(
        {result.rules.suite for result in submitter.results if result.system == system and result.rules}
    ):
        if suite not in kind:
            yield f"system_type is {kind!r}, and there are results of a benchmark for {suite}"
