"""From the `engine:` section to the engine."""

from __future__ import annotations

from assay.engines.base import Engine
from assay.engines.bundled import EmbeddedEngine
from assay.engines.external import ExternalEngine
from assay.engines.options import EmbeddedOptions, EngineOptions, ExternalOptions, VllmOptions
from assay.engines.simulated import SimulatedEngine
from assay.engines.vllm import VllmEngine


def build_engine(options: EngineOptions) -> Engine:
    """The engine that `options` describe."""
    if isinstance(options, VllmOptions):
        return VllmEngine(options)
    if isinstance(options, EmbeddedOptions):
        return EmbeddedEngine(options)
    if isinstance(options, ExternalOptions):
        return ExternalEngine(options)
    return SimulatedEngine(options)
