"""Samplers of hosts, accelerators and the engines' metrics, written as `telemetry.parquet`."""

from assay.telemetry.nodes import NodeActivity
from assay.telemetry.sampler import Sampler

__all__ = ["NodeActivity", "Sampler"]
