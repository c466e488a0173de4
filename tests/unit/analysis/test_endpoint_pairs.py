"""Runs at other addresses, on other machines and on more of them are told apart by as many facts as differ."""

from __future__ import annotations

from typing import Any

import pytest
from tests.analysing import Analyse
from tests.synthetic import Node, Plan

from assay.analysis.compare import compare
from assay.analysis.endpoint_pairs import endpoint_pairs
from assay.analysis.run import RunAnalysis
from assay.runs.record import EndpointFacts

PLAN = Plan(nodes=(Node("node-a"),), chunks=False, telemetry=False)


def endpoint(name: str, **facts: Any) -> EndpointFacts:
    known = {"url": f"http://{name}:80", "node": name, "engine": "external", "model": "m", "window": 8}
    return EndpointFacts(name=name, **known | facts)


def differing(analyse: Analyse, base: list[EndpointFacts], other: list[EndpointFacts]) -> dict[str, tuple[str, str]]:
    runs = analyse(PLAN), analyse(PLAN)
    for run, endpoints in zip(runs, (base, other), strict=True):
        run.record.endpoints = endpoints
    return told(*runs)


def told(base: RunAnalysis, other: RunAnalysis) -> dict[str, tuple[str, str]]:
    (comparison,) = compare([base, other])
    return {found.fact: (found.baseline, found.other) for found in comparison.differences}


def test_another_port_is_one_fact(analyse: Analyse) -> None:
    runs = [analyse(PLAN), analyse(PLAN)]
    for run, port in zip(runs, (8000, 8001), strict=True):
        url = f"http://10.0.0.1:{port}"
        run.record.endpoints = [endpoint(f"10.0.0.1-{port}", url=url, node="10.0.0.1")]
        run.folder.config.write_text(f"engine: {{kind: external, endpoints: [{{url: '{url}'}}]}}\n")
    assert told(*runs) == {"endpoint 10.0.0.1-8001.url": ("http://10.0.0.1:8000", "http://10.0.0.1:8001")}


def test_another_address_is_one_fact_beside_what_else_differs(analyse: Analyse) -> None:
    assert differing(analyse, [endpoint("x")], [endpoint("y", window=4)]) == {
        "endpoint y.url": ("http://x:80", "http://y:80"),
        "endpoint y.window": ("8", "4"),
    }


def test_an_address_that_the_harness_chose_is_none(analyse: Analyse) -> None:
    own = {"engine": "vllm", "node": "node-a"}
    ports = [[endpoint("node-a", url=f"http://node-a:{port}", **own)] for port in (1, 2)]
    assert not differing(analyse, *ports)


def test_another_machine_is_one_fact(analyse: Analyse) -> None:
    runs = [analyse(PLAN), analyse(PLAN)]
    for run, name in zip(runs, ("a", "b"), strict=True):
        run.record.endpoints = [endpoint(name, engine="vllm", url="http://h:1")]
        run.system = {
            "nodes": [{"name": name, "hostname": f"host-{name}", "address": f"10.0.0.{ord(name)}", "cores": 2}]
        }
        run.folder.config.write_text(f"cluster: {{launcher: ssh, nodes: [{{name: {name}, host: {name}.example}}]}}\n")
    assert told(*runs) == {"endpoint b.node": ("a", "b")}
    runs[1].system["nodes"][0]["cores"] = 4
    assert told(*runs) == {"endpoint b.node": ("a", "b"), "nodes[0].cores": ("2", "4")}


@pytest.mark.parametrize("more", [("a", "b"), ("b", "a")])
def test_an_endpoint_more_is_one_fact(analyse: Analyse, more: tuple[str, str]) -> None:
    alone, both = [endpoint("a")], [endpoint(name) for name in more]
    assert differing(analyse, alone, both) == {"endpoint b": ("absent", "present")}
    assert differing(analyse, both, alone) == {"endpoint b": ("present", "absent")}


def test_names_pair_before_order_does() -> None:
    base, other = [endpoint(name) for name in "abc"], [endpoint(name) for name in "dcb"]
    pairs = [(left and left.name, right and right.name) for left, right in endpoint_pairs(base, other)]
    assert pairs == [("a", "d"), ("c", "c"), ("b", "b")]


def test_what_differs_says_which_setting_does_it(analyse: Analyse) -> None:
    """Not into lists and names with dots, which `--set` doesn't reach, nor what says which settings there are."""
    runs = [analyse(PLAN), analyse(PLAN)]
    for run, places, kind in zip(runs, (16, 8), ("vllm", "sglang"), strict=True):
        run.record.endpoints[0].settings["max_num_seqs"] = places
        run.folder.config.write_text(
            f"engine: {{kind: {kind}, max_num_seqs: {places}, speeds: {{a.b: {places}, c: {places}.5}}}}\n"
            f"load: {{limit: {places}, words: [x, '{places}']}}\nother: {{limit: {places}, rows: [{{n: {places}}}]}}\n"
        )
    (comparison,) = compare(runs)
    assert {found.fact: found.setting for found in comparison.differences} == {
        "endpoint node-a-0.settings.max_num_seqs": "engine.max_num_seqs=8",
        "engine.kind": None,
        "engine.speeds.a.b": None,
        "engine.speeds.c": "engine.speeds.c=8.5",
        "load.limit": "load.limit=8",
        "load.words": "load.words=[x, '8']",
        "other.limit": "other.limit=8",
        "other.rows[0].n": None,
    }
