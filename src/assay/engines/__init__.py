"""What serves the model: command lines, options, versions, one file an engine."""

from assay.engines.base import Engine
from assay.engines.build import build_engine
from assay.engines.options import (
    EmbeddedOptions,
    EngineOptions,
    ExternalOptions,
    SimulatedOptions,
    VllmOptions,
)

__all__ = [
    "EmbeddedOptions",
    "Engine",
    "EngineOptions",
    "ExternalOptions",
    "SimulatedOptions",
    "VllmOptions",
    "build_engine",
]
