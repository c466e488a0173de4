"""What a run's nodes cost, from the prices that the configuration names."""

from __future__ import annotations

from collections.abc import Sequence

from assay.config import Config
from assay.engines.options import ExternalOptions
from assay.errors import UserError
from assay.runs.cost import ALL_ENDPOINTS, CostFacts


def require_currency(config: Config) -> None:
    """Raises UserError where there are prices in nobody knows what."""
    priced = config.engine.endpoints if isinstance(config.engine, ExternalOptions) else config.cluster.node_list()
    whole = isinstance(config.engine, ExternalOptions) and config.engine.cost_per_hour is not None
    if not config.currency and (whole or any(one.cost_per_hour is not None for one in priced)):
        raise UserError("currency: missing; name the currency of every cost_per_hour, such as currency: EUR")


def cost_of(config: Config, nodes: Sequence[str]) -> CostFacts | None:
    """For a run on these nodes; None where the user names no currency, which every price needs.

    One price for all endpoints together says nothing of a run on some of their nodes.
    """
    if not config.currency:
        return None
    prices = _prices(config)
    if ALL_ENDPOINTS in prices:
        whole = isinstance(config.engine, ExternalOptions) and {one.node for one in config.engine.named()} <= set(nodes)
        known = {name: price for name, price in prices.items() if price is not None} if whole else {}
        return CostFacts(currency=config.currency, per_hour=known, unpriced=[] if whole else list(nodes))
    groups = {} if isinstance(config.engine, ExternalOptions) else config.cluster.groups()
    all_nodes = [member.name for name in nodes for member in groups.get(name, ())] or nodes
    per_hour = {name: price for name in all_nodes if (price := prices.get(name)) is not None}
    unpriced = [name for name in all_nodes if name not in per_hour]
    return CostFacts(currency=config.currency, per_hour=per_hour, unpriced=unpriced)


def _prices(config: Config) -> dict[str, float | None]:
    """Of each node, None where it isn't said; of an external engine's the sum of its endpoints', or one of all."""
    if not isinstance(config.engine, ExternalOptions):
        groups = config.cluster.groups().values()
        return {node.name: node.cost_per_hour for group in groups for node in group}
    if config.engine.cost_per_hour is not None:
        return {ALL_ENDPOINTS: config.engine.cost_per_hour}
    found: dict[str, float | None] = {}
    for endpoint in config.engine.named():
        before, own = found.get(endpoint.node, 0.0), endpoint.cost_per_hour
        found[endpoint.node] = None if before is None or own is None else before + own
    return found
