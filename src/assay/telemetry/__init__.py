"""Samplers of the controller's host, its accelerators and the engines' metrics, written as `telemetry.parquet`."""

from assay.telemetry.sampler import Sampler

__all__ = ["Sampler"]
