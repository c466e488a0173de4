"""What all charts of a run share: its samples by node, and a node's colour."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from assay.analysis.listing import NAMED
from assay.analysis.run import RunAnalysis
from assay.analysis.samples import Samples
from assay.analysis.statistics import Floats
from assay.report.chart import NEUTRAL, PALETTE, Series
from assay.report.colors import Colors
from assay.report.many import MOST_LINES, bands, far_out

SOURCE = "requests.parquet"
TOTAL = PALETTE[0]
BAND = "middle 90 % of the nodes"


class RunView:
    """An analysed run that has samples; nodes keep their colour in all of its charts."""

    def __init__(self, analysis: RunAnalysis) -> None:
        assert analysis.samples is not None  # callers ask only where there are samples
        self.analysis = analysis
        self.samples: Samples = analysis.samples
        self.nodes = analysis.nodes_in_order
        self.colors = Colors(self.alone if self.many else self.nodes)
        of = {endpoint.name: endpoint.node for endpoint in analysis.record.endpoints}
        self.node_of = [of.get(name, "unknown") for name in self.samples.endpoints]

    @property
    def several(self) -> bool:
        return len(self.nodes) > 1

    @property
    def many(self) -> bool:
        """Whether the nodes are too many to be told apart as lines."""
        return len(self.nodes) > MOST_LINES

    @cached_property
    def alone(self) -> list[str]:
        """The nodes that have lines of their own: of several all, of many the slowest and what else stands apart."""
        if not self.many:
            return self.nodes if self.several else []
        parts = self.analysis.nodes.nodes if self.analysis.nodes else []
        slower = sorted((part.speed_ratio or 0.0, part.node) for part in parts if part.slower)
        apart = [parts[place].node for place in far_out([part.speed_ratio for part in parts])]
        return sorted({*(node for _, node in slower[:NAMED]), *apart})

    def of_node(self, node: str) -> Samples:
        numbers = [i for i, name in enumerate(self.node_of) if name == node]
        return self.samples.where(np.isin(self.samples.endpoint, numbers))

    @property
    def groups(self) -> list[tuple[str, Samples]]:
        """What is drawn as lines of their own: the nodes, everything as one, or of many nodes both."""
        everything = [("all", self.samples)] if self.many or not self.several else []
        return everything + [(node, self.of_node(node)) for node in self.alone]

    def line(self, group: str, x: list[float], y: list[float | None]) -> Series:
        """A group's line in its colour."""
        if group not in self.alone:
            return Series(group, "line", x, y, NEUTRAL if self.several else TOTAL)
        return Series(group, "line", x, y, self.colors[group], dashed=self.colors.dashed(group))

    def by_node(self, values: Floats) -> Floats:
        """Values by endpoint, shape (endpoints, times), as sums by node in the order of `nodes`."""
        place = {node: number for number, node in enumerate(self.nodes)}
        known = np.array([name in place for name in self.node_of])
        sums = np.zeros((len(self.nodes), values.shape[1]))
        np.add.at(sums, [place[name] for name in self.node_of if name in place], values[known])
        return sums

    def spread(self, x: list[float], by_node: Floats) -> Series:
        """The median over the nodes, and the band of their middle 90 %."""
        low, middle, high = bands(by_node)
        return Series("median, middle 90 %", "line", x, middle, NEUTRAL, low, high, bounds=BAND)


def ms(value: float | None) -> float | None:
    """Milliseconds from ns."""
    return None if value is None else value / 1e6
