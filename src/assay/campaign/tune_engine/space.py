"""What a search may try: the values and layouts that the user allows, and no others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from assay.analysis.engine_models import Try
from assay.campaign.servers import campaign_nodes
from assay.campaign.tune_engine.setups import config_with, first_words
from assay.cluster.options import KubernetesOptions
from assay.config import Config
from assay.config_tuning import Layout
from assay.deploy.specs import server_specs
from assay.engines import build_engine
from assay.errors import UserError
from assay.serving.nodes import NodeOptions

WINDOW = "window"
"""The one engine option that only the client heeds: each allowed value is tried on servers that run."""
_FIXED = frozenset({"kind", "model", "served_model_name", "endpoints", "api", "env", "pass_env", "python"})
"""What is served, where, and how it is spoken to: another of these would be another system, not other settings."""
_LAYOUTS = "layouts"
_MOST = 100_000
_NODES_OF_SERVER = frozenset({"nodes_per_server", "pods_per_server"})
_LAYOUT = {"tensor": "tensor_parallel", "pipeline": "pipeline_parallel", "data": "data_parallel"}

Point = tuple[int, ...]
"""The place of a value in each dimension."""


@dataclass(frozen=True)
class Setup:
    """Engine options that differ from the configuration's, and servers on each node, or the nodes that each is spread
    over, where those do."""

    settings: Mapping[str, Any]
    servers: int | None
    server_nodes: int | None = None

    @property
    def as_configured(self) -> bool:
        return self == DEFAULT

    @property
    def key(self) -> str:
        """The same for equal ones alone."""
        return str((sorted(self.settings.items()), self.servers, self.server_nodes))


DEFAULT = Setup({}, None)


def setup_of(one: Try) -> Setup:
    """What a try's servers are set up with."""
    return Setup(one.settings, one.servers, one.server_nodes)


def nodes_of(config: Config, setup: Setup) -> list[str]:
    """The names of the nodes that its endpoints are on."""
    return campaign_nodes(config_with(config, {}, setup.servers, setup.server_nodes))


@dataclass(frozen=True)
class Dimension:
    """One thing that is varied; `ordered` where its values are numbers, which stand in their order."""

    name: str
    values: tuple[Any, ...]

    @property
    def ordered(self) -> bool:
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)


class Space:
    """All combinations of what `campaign.engine` lists. Raises UserError for what can't be tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._own = config.engine.model_dump(mode="json")
        tuning = config.campaign.engine
        lists = {name: self._checked(name, values) for name, values in tuning.settings.items()}
        windows = lists.pop(WINDOW, ())
        own = build_engine(config.engine).window
        self.windows: tuple[int | None, ...] = (None, *(value for value in windows if value != own))
        """Requests in flight at an endpoint that each setup is tried with; None: the engine's own."""
        self._layouts = [self._of_layout(layout) for layout in tuning.layouts]
        self.dimensions = [Dimension(name, values) for name, values in lists.items()]
        if self._layouts:
            self.dimensions.append(Dimension(_LAYOUTS, tuple(layout.title for layout in tuning.layouts)))

    @property
    def size(self) -> int:
        """Combinations, before those that come to the same are known."""
        return math.prod(len(dimension.values) for dimension in self.dimensions) if self.dimensions else 0

    def points(self) -> Iterator[Point]:
        """All of them, in the order in which they are listed."""
        return itertools.product(*(range(len(dimension.values)) for dimension in self.dimensions))

    def setup(self, point: Point) -> Setup:
        """What the point stands for; settings that are the configuration's own aren't named."""
        settings: dict[str, Any] = {}
        servers = server_nodes = None
        for dimension, place in zip(self.dimensions, point, strict=True):
            if dimension.name == _LAYOUTS:
                sizes, servers, server_nodes = self._layouts[place]
                settings |= sizes
            else:
                settings[dimension.name] = dimension.values[place]
        settings = {name: value for name, value in settings.items() if value != self._own.get(name)}
        if server_nodes is not None:
            return Setup(settings, None, server_nodes)
        told = servers is not None and self._counts(settings, servers) != self._counts(settings, None)
        return Setup(settings, servers if told else None)

    def check(self) -> None:
        """Raises UserError where the nodes don't suit a value or a layout, or combinations are too many."""
        if self.size > _MOST:
            raise UserError(f"campaign.engine: {self.size:,} combinations; list fewer values ({_MOST:,} at most)")
        for dimension in self.dimensions:
            for place, value in enumerate(dimension.values):
                if dimension.name != _LAYOUTS:
                    self._counts({dimension.name: value}, None)
                    continue
                sizes, _, server_nodes = self._layouts[place]
                try:
                    self._counts(sizes, None, server_nodes)
                except UserError as error:
                    raise UserError(f"campaign.engine.layouts: {value}: {error}") from None

    @property
    def most_in_flight(self) -> int:
        """The largest number of requests in flight at an endpoint that a try may have, as far as it is known."""
        single = [(d.name, value) for d in self.dimensions if d.name != _LAYOUTS for value in d.values]
        settings = [{}, *({name: value} for name, value in single), *(sizes for sizes, *_ in self._layouts)]
        engines = [build_engine(config_with(self._config, own, None).engine).window for own in settings]
        return max(window or 0 for window in (*engines, *self.windows))

    def _checked(self, name: str, values: Sequence[Any]) -> tuple[Any, ...]:
        """The values as the engine's options hold them, each once; numbers in their order."""
        place = f"campaign.engine.settings.{name}"
        known = sorted(set(self._own) - _FIXED)
        if name not in known:
            raise UserError(f"{place}: {self._own['kind']} has no such setting to search; it has {', '.join(known)}")
        found: list[Any] = []
        for value in values:
            plain = list(value) if isinstance(value, tuple) else value
            held = self._held(name, plain, place)
            if held in found:
                raise UserError(f"{place}: {held} is listed twice")
            found.append(held)
        numbers = Dimension(name, tuple(found)).ordered
        return tuple(sorted(found) if numbers else found)

    def _held(self, name: str, value: Any, place: str) -> Any:
        try:
            return config_with(self._config, {name: value}, None).engine.model_dump(mode="json")[name]
        except ValidationError as error:
            raise UserError(f"{place}: {value!r}: {first_words(error)}") from None

    def _of_layout(self, layout: Layout) -> tuple[dict[str, int], int | None, int | None]:
        """The engine's options that make the layout, the servers on each node, and the nodes of each server."""
        place = f"campaign.engine.layouts: {layout.title}"
        sizes = {option: getattr(layout, name) for name, option in _LAYOUT.items()}
        if not sizes.keys() <= self._own.keys():
            if layout.group > 1:
                raise UserError(f"{place}: {self._own['kind']} has no parallel layouts, only replicas")
            sizes = {}
        spread = self._spread(layout, place)
        for node in self._nodes if spread is None else self._grouped(spread, place):
            _require_all_used(place, layout, node)
        return sizes, self._servers(layout, place) if spread is None else None, spread

    def _spread(self, layout: Layout, place: str) -> int | None:
        """Over how many nodes each server is spread, where that isn't as configured."""
        cluster = self._config.cluster
        if layout.nodes is None or layout.nodes == cluster.group_size:
            return None
        if _NODES_OF_SERVER.isdisjoint(type(cluster).model_fields):
            raise UserError(
                f"{place}: the {cluster.launcher} launcher starts each server on one node: leave nodes out, or use a "
                "launcher that spreads a server (cluster.nodes_per_server or pods_per_server)"
            )
        if layout.replicas is not None:
            raise UserError(f"{place}: a server over several nodes has no replicas there: leave replicas or nodes out")
        pods = cluster.group_size * len(self._nodes)
        if isinstance(cluster, KubernetesOptions) and pods % layout.nodes:
            raise UserError(f"{place}: {pods} pods (replicas x pods_per_server) can't be shared out by {layout.nodes}")
        return layout.nodes

    def _grouped(self, spread: int, place: str) -> tuple[NodeOptions, ...]:
        """The nodes as servers over so many of them see them."""
        try:
            return config_with(self._config, {}, None, spread).cluster.node_list()
        except ValidationError as error:
            raise UserError(f"{place}: {first_words(error)}") from None

    def _servers(self, layout: Layout, place: str) -> int | None:
        if layout.replicas is None and all(node.servers is None for node in self._nodes):
            return None
        if not isinstance(self._config.cluster.model_dump(mode="json").get("nodes"), list):
            raise UserError(f"{place}: replicas needs cluster.nodes with a list of nodes")
        if self._config.cluster.group_size > 1:
            raise UserError(f"{place}: a server over several nodes has no replicas there: leave replicas out")
        accelerators = len(self._nodes[0].accelerators)
        return layout.replicas or max(1, accelerators // layout.group)

    @cached_property
    def _nodes(self) -> tuple[NodeOptions, ...]:
        return self._config.cluster.node_list()

    def _counts(self, settings: Mapping[str, Any], servers: int | None, server_nodes: int | None = None) -> list[int]:
        """How many servers there would be on each node."""
        config = config_with(self._config, settings, servers, server_nodes)
        specs = [spec.node for spec in server_specs(build_engine(config.engine), config.cluster)]
        return [specs.count(node.name) for node in config.cluster.node_list()]


def _require_all_used(place: str, layout: Layout, node: NodeOptions) -> None:
    """Layouts are of the same accelerators: one that leaves some idle would be compared with one that doesn't."""
    count = len(node.accelerators)
    if count == 0:
        return
    used = layout.group * (layout.replicas or count // layout.group)
    if used != count:
        raise UserError(
            f"{place}: takes {used} of the {count} accelerators of node {node.name}: layouts of the same accelerators "
            "are compared, so choose sizes whose product is their number"
        )
