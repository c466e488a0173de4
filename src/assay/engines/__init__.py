"""What serves the model: command lines, options, versions, one file an engine."""

from assay.engines.base import API_PATH, Engine, served_models
from assay.engines.build import build_engine
from assay.engines.options import (
    EmbeddedOptions,
    EngineOptions,
    ExternalOptions,
    SimulatedOptions,
    VllmOptions,
)

__all__ = [
    "API_PATH",
    "EmbeddedOptions",
    "Engine",
    "EngineOptions",
    "ExternalOptions",
    "SimulatedOptions",
    "VllmOptions",
    "build_engine",
    "served_models",
]
