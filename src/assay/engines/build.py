"""From the `engine:` section to the engine: the one table of engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.engines.base import Engine
from assay.engines.bundled import EmbeddedEngine
from assay.engines.external import ExternalEngine
from assay.engines.options import EngineOptions
from assay.engines.simulated import SimulatedEngine
from assay.engines.vllm import VllmEngine

ENGINES: dict[str, Callable[[Any], Engine]] = {
    engine.kind: engine for engine in (EmbeddedEngine, VllmEngine, ExternalEngine, SimulatedEngine)
}


def build_engine(options: EngineOptions) -> Engine:
    """The engine that `options` describe. Raises UserError for options that can't have an effect."""
    return ENGINES[options.kind](options)
