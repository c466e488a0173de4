"""Prices of the configuration, as a run's record has them."""

from __future__ import annotations

from typing import Any

import pytest

from assay.campaign.cost import cost_of
from assay.campaign.planning import planned
from assay.config import config_of
from assay.errors import UserError
from assay.runs.cost import CostFacts

NODES = [{"name": "a", "cost_per_hour": 2.5}, {"name": "b", "cost_per_hour": 1}]


def cost(nodes: list[str], **settings: Any) -> CostFacts | None:
    return cost_of(config_of({"currency": "EUR", **settings}, "test"), nodes)


def external(*endpoints: dict[str, Any], **engine: Any) -> dict[str, Any]:
    return {"kind": "external", "model": "m", "endpoints": list(endpoints), **engine}


def test_the_nodes_of_the_run_are_paid_and_no_others() -> None:
    assert cost(["a", "b"], cluster={"nodes": NODES}) == CostFacts(currency="EUR", per_hour={"a": 2.5, "b": 1})
    assert cost(["b"], cluster={"nodes": NODES}) == CostFacts(currency="EUR", per_hour={"b": 1})


def test_a_node_without_a_price_is_named() -> None:
    found = cost(["a", "b"], cluster={"nodes": [NODES[0], {"name": "b"}]})
    assert found == CostFacts(currency="EUR", per_hour={"a": 2.5}, unpriced=["b"])
    assert found.whole_per_hour is None


def test_no_price_no_cost() -> None:
    assert cost(["local"], currency="") is None
    assert cost(["local"]) == CostFacts(currency="EUR", per_hour={}, unpriced=["local"])


def test_kubernetes_prices_its_replicas() -> None:
    cluster = {"launcher": "kubernetes", "image": "i", "replicas": 2, "cost_per_hour": 3}
    found = cost(["pod-0", "pod-1"], cluster=cluster, engine={"kind": "simulated"})
    assert found == CostFacts(currency="EUR", per_hour={"pod-0": 3, "pod-1": 3})


def test_every_node_of_a_server_is_paid() -> None:
    prices = [{"name": name, "cost_per_hour": price} for name, price in zip("abcd", (1, 2, 3, 4), strict=True)]
    cluster = {"launcher": "ssh", "nodes": prices, "nodes_per_server": 2}
    engine = {"kind": "vllm", "model": "m", "tensor_parallel": 2}
    assert cost(["c"], cluster=cluster, engine=engine) == CostFacts(currency="EUR", per_hour={"c": 3, "d": 4})
    cluster["nodes"] = [*prices[:3], {"name": "d"}]
    assert cost(["a", "c"], cluster=cluster, engine=engine) == CostFacts(
        currency="EUR", per_hour={"a": 1, "b": 2, "c": 3}, unpriced=["d"]
    )


def test_endpoints_of_one_node_add_up() -> None:
    urls = [{"url": f"http://h:{port}", "cost_per_hour": 2} for port in (1, 2)]
    assert cost(["h"], engine=external(*urls)) == CostFacts(currency="EUR", per_hour={"h": 4})
    assert cost(["h"], engine=external(*urls, {"url": "http://h:3"})) == CostFacts(
        currency="EUR", per_hour={}, unpriced=["h"]
    )


def test_a_price_of_all_endpoints_says_nothing_of_some() -> None:
    engine = external({"url": "http://g:1"}, {"url": "http://h:1"}, cost_per_hour=5)
    assert cost(["g", "h"], engine=engine) == CostFacts(currency="EUR", per_hour={"all endpoints": 5})
    assert cost(["g"], engine=engine) == CostFacts(currency="EUR", per_hour={}, unpriced=["g"])


def test_prices_of_all_and_of_each_are_one_too_many() -> None:
    with pytest.raises(UserError, match="not both"):
        cost([], engine=external({"url": "http://h:1", "cost_per_hour": 1}, cost_per_hour=5))


def test_a_price_needs_its_currency() -> None:
    priced = external({"url": "http://h:1"}, cost_per_hour=5), external({"url": "http://h:1", "cost_per_hour": 5})
    for settings in ({"cluster": {"nodes": NODES}}, *({"engine": engine} for engine in priced)):
        config = config_of({"scenarios": ["Offline"], **settings}, "test")
        with pytest.raises(UserError, match="currency: missing; name the currency of every cost_per_hour"):
            planned(config)
