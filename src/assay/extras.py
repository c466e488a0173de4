"""Libraries that Assay does without until they are asked for: which extra brings which, and what to say without it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

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
INSTALLED_MARK = "assay-install.json"
"""What a bundle's installer leaves in the environment that it made."""
_OF_PIPX = "pipx_metadata.json"


class MissingExtraError(UserError):
    """What an extra brings isn't installed; the message says how to add it, and nothing else is to be mended first."""


def require(extra: str, purpose: str, otherwise: str = "") -> None:
    """Raises MissingExtraError where `extra` isn't installed whole: `purpose` needs it; `otherwise` is another way."""
    missing = [module for module in EXTRAS[extra] if not _installed(module)]
    if missing:
        words = f"{purpose} needs {' and '.join(missing)}: {how_to_add(extra)}"
        raise MissingExtraError(f"{words}. {otherwise}" if otherwise else words)


def how_to_add(extra: str) -> str:
    """What the user shall do to have `extra` in the environment that this runs in.

    Installers take Assay itself for there already, so no index is asked for it: anybody may own its name there.
    """
    prefix, wanted, python = Path(sys.prefix), f"'{DISTRIBUTION}[{extra}]'", shlex.quote(sys.executable)
    if (prefix / INSTALLED_MARK).is_file():
        names = ",".join(sorted({*_bundled_extras(prefix), extra}))
        return f"run `assay bundle --with {names}` where a package index is reached, and install that bundle here"
    if (prefix / _OF_PIPX).is_file():
        return f"run `pipx inject {shlex.quote(prefix.name)} {wanted}`"
    if _installed("pip"):
        return f"run `{python} -m pip install {wanted}`"
    return f"run `uv pip install --python {python} {wanted}`"


def bundle_bringing(module: str) -> str | None:
    """What makes a bundle with `module`, for machines without it, where Assay itself or one of its extras brings it."""
    if module == "assay":
        return "assay bundle"
    return next((f"assay bundle --with {extra}" for extra, modules in EXTRAS.items() if module in modules), None)


def _bundled_extras(prefix: Path) -> list[str]:
    try:
        found = json.loads((prefix / INSTALLED_MARK).read_text(encoding="utf-8"))["extras"]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [each for each in found if each in EXTRAS] if isinstance(found, list) else []


def _installed(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
        return False
