"""What all charts of a run share: its samples by node, and a node's colour."""

from __future__ import annotations

import numpy as np

from assay.analysis.run import RunAnalysis
from assay.analysis.samples import Samples
from assay.report.chart import PALETTE, Colors

SOURCE = "requests.parquet"
TOTAL = PALETTE[0]
_MOST_LINES = 12


class RunView:
    """An analysed run that has samples; nodes keep their colour in all of its charts."""

    def __init__(self, analysis: RunAnalysis) -> None:
        assert analysis.samples is not None  # callers ask only where there are samples
        self.analysis = analysis
        self.samples: Samples = analysis.samples
        self.nodes = analysis.nodes_in_order
        self.colors = Colors(self.nodes)
        of = {endpoint.name: endpoint.node for endpoint in analysis.record.endpoints}
        self.node_of = [of.get(name, "unknown") for name in self.samples.endpoints]

    @property
    def several(self) -> bool:
        return len(self.nodes) > 1

    def of_node(self, node: str) -> Samples:
        numbers = [i for i, name in enumerate(self.node_of) if name == node]
        return self.samples.where(np.isin(self.samples.endpoint, numbers))

    @property
    def groups(self) -> list[tuple[str, Samples]]:
        """What is drawn as lines of their own: the nodes, or everything as one."""
        if not self.apart:
            return [("all", self.samples)]
        return [(node, self.of_node(node)) for node in self.nodes]

    @property
    def apart(self) -> bool:
        """Whether nodes are drawn one by one: there are several, and not too many to tell apart."""
        return self.several and len(self.nodes) <= _MOST_LINES


def ms(value: float | None) -> float | None:
    """Milliseconds from ns."""
    return None if value is None else value / 1e6
