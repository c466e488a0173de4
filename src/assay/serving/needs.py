"""What an engine's servers need before they can start, and what their API takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Needs:
    """What must be on each node."""

    package: str
    """The Python package that the interpreter must have."""
    python: str | None = None
    """The interpreter; None: the launcher's own choice."""
    model_folder: str = ""
    """The model's folder there; empty where the engine gets its model itself."""


@dataclass(frozen=True)
class ApiTakes:
    """Which fields of a completion a server takes, of those that OpenAI's API hasn't."""

    min_tokens: bool = True
    return_token_ids: bool = True


@dataclass(frozen=True)
class TokenizerFiles:
    """A served model's tokenizer on this machine."""

    folder: Path
    """Holds tokenizer.json, and its settings where they aren't given here."""
    settings: TokenizerSettings | None = None
    sha256s: Mapping[str, str] = field(default_factory=dict)
    """Of the model's files, where they are known, by name."""


@dataclass(frozen=True)
class TokenizerSettings:
    """What a model folder's other files say of its tokenizer."""

    chat_template: str
    special_tokens: Mapping[str, str]
    """What the template may name: bos_token, eos_token, …"""
