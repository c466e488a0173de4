"""What the records of runs say: statistics, latency, nodes, scaling, findings; functions from files to figures."""

from assay.analysis.summary import summarise

__all__ = ["summarise"]
