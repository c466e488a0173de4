"""Libraries that Assay does without until they are asked for: which extra brings which, and what to say without it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec

from assay.errors import UserError

DISTRIBUTION = "assay-llm"
"""What a package index calls Assay: plain `assay`, and names close to it, are other people's."""
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "embedded": ("openvino_genai", "gguf"),
    "ssh": ("asyncssh",),
    "docker": ("docker",),
    "kubernetes": ("kubernetes",),
    "torchx": ("torchx",),
    "huggingface": ("datasets",),
    "web": ("starlette", "uvicorn"),
    "alerts": ("apprise",),
    "opentelemetry": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
    "mlflow": ("mlflow",),
    "tune": ("optuna",),
}
"""The modules that each extra brings, of those that are imported."""


def require(extra: str, purpose: str, otherwise: str = "") -> None:
    """Raises UserError where a module of `extra` isn't installed: `purpose` needs it; `otherwise` is another way."""
    missing = [module for module in EXTRAS[extra] if not _installed(module)]
    if missing:
        words = f"{purpose} needs {' and '.join(missing)}: run `{install_command(extra)}`"
        raise UserError(f"{words}. {otherwise}" if otherwise else words)


def install_command(extra: str = "") -> str:
    """What installs Assay, with `extra` where one is named."""
    return f"pip install '{DISTRIBUTION}[{extra}]'" if extra else f"pip install {DISTRIBUTION}"


def bringing(module: str) -> str | None:
    """The command that installs `module`, where Assay itself or one of its extras brings it."""
    if module == "assay":
        return install_command()
    return next((install_command(extra) for extra, modules in EXTRAS.items() if module in modules), None)


def _installed(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
        return False
