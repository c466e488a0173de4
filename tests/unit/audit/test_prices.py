"""Prices in run.json are those of config.yaml: none is raised where they are, and each way of changing one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.synthetic import Plan, write_run

from assay.audit import audit_path
from assay.campaign.cost import cost_of
from assay.config import config_of, dump_config
from assay.runs import RunFolder, read_record, write_json
from assay.runs.cost import CostFacts

NODES = [{"name": "node-a", "cost_per_hour": 2.5}, {"name": "node-b", "cost_per_hour": 1}, {"name": "node-c"}]
TRUE = CostFacts(currency="EUR", per_hour={"node-a": 2.5, "node-b": 1.0}, unpriced=["node-c"])
ALL = ["node-a", "node-b", "node-c"]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return write_run(tmp_path, Plan(samples=20))


def found(folder: RunFolder, settings: dict[str, Any], nodes: list[str], cost: CostFacts | None = None) -> list[str]:
    """What the rule says of a run on these nodes, with the cost of its configuration or another."""
    config = config_of({"currency": "EUR", **settings}, "test")
    folder.config.write_text(dump_config(config))
    record = read_record(folder).model_copy(update={"nodes": nodes, "cost": cost or cost_of(config, nodes)})
    write_json(folder.record, record)
    problems = [problem for problem in audit_path(folder.path).problems if problem.rule == "prices"]
    return [f"{problem.statement}: {problem.arithmetic}" for problem in problems]


def external(*endpoints: dict[str, Any], **engine: Any) -> dict[str, Any]:
    return {"engine": {"kind": "external", "model": "m", "endpoints": list(endpoints), **engine}}


@pytest.mark.parametrize(
    ("settings", "nodes"),
    [
        ({"cluster": {"nodes": NODES}}, ALL),
        ({"cluster": {"nodes": NODES}}, ["node-b"]),
        (
            {
                "cluster": {"launcher": "ssh", "nodes": [*NODES, {"name": "node-d"}], "nodes_per_server": 2},
                "engine": {"kind": "vllm", "model": "m", "tensor_parallel": 2},
            },
            ["node-a", "node-c"],
        ),
        (
            {
                "cluster": {"launcher": "kubernetes", "image": "i", "replicas": 2, "cost_per_hour": 3},
                "engine": {"kind": "simulated"},
            },
            ["pod-0", "pod-1"],
        ),
        (external(*({"url": f"http://h:{port}", "cost_per_hour": 0.1 * port} for port in (1, 2, 3))), ["h"]),
        (external({"url": "http://h:1", "cost_per_hour": 2}, {"url": "http://h:2"}), ["h"]),
        (external({"url": "http://g:1"}, {"url": "http://x", "node": "h"}, cost_per_hour=5), ["g", "h"]),
        (external({"url": "http://g:1"}, {"url": "http://h:1"}, cost_per_hour=5), ["g"]),
    ],
)
def test_prices_of_the_configuration_are_left_alone(
    folder: RunFolder, settings: dict[str, Any], nodes: list[str]
) -> None:
    assert found(folder, settings, nodes) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"per_hour": {"node-a": 2.0, "node-b": 1.0}}, "node-a costs 2 an hour: 2.5 in config.yaml"),
        ({"currency": "USD"}, "prices in USD: config.yaml names EUR"),
        (
            {"per_hour": {"node-a": 2.5, "node-b": 1.0, "node-c": 0.1}, "unpriced": []},
            "node-c costs 0.1 an hour: config.yaml has no such price",
        ),
        (
            {"per_hour": {"node-a": 2.5}, "unpriced": ["node-b", "node-c"]},
            "node-b has no price: 1 an hour in config.yaml",
        ),
        ({"unpriced": []}, "its prices are of all its nodes: left out: node-c"),
        ({"unpriced": ["node-c", "node-d"]}, "its prices are of its own nodes: not of the run: node-d"),
    ],
)
def test_a_price_that_isnt_the_configurations_is_found(folder: RunFolder, change: dict[str, Any], words: str) -> None:
    assert found(folder, {"cluster": {"nodes": NODES}}, ALL, TRUE.model_copy(update=change)) == [words]


def test_a_price_of_all_isnt_one_of_each(folder: RunFolder) -> None:
    settings = external({"url": "http://h:1"}, cost_per_hour=5)
    cheaper = CostFacts(currency="EUR", per_hour={"all endpoints": 4})
    assert found(folder, settings, ["h"], cheaper) == ["all endpoints costs 4 an hour: 5 in config.yaml"]


@pytest.mark.parametrize(
    "text", ["engine: [1]\ncluster: {nodes: 3}\n", "engine: {kind: external, endpoints: [{url: 'http://['}]}\n"]
)
def test_a_configuration_of_another_form_is_no_price(folder: RunFolder, text: str) -> None:
    folder.config.write_text(text)
    write_json(folder.record, read_record(folder).model_copy(update={"nodes": ["node-a"], "cost": TRUE}))
    said = [problem.arithmetic for problem in audit_path(folder.path).problems if problem.rule == "prices"]
    assert "config.yaml names no currency" in said
