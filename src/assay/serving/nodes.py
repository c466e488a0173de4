"""A node as the configuration names it."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

LABEL = re.compile(r"[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?")


class Options(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NodeOptions(Options):
    """One node. `accelerators` are indices on it; a number N means 0 to N-1."""

    name: str = Field(description="as it appears in results; lower case letters, digits, '-' and '.'")
    accelerators: tuple[int, ...] = ()
    servers: int | None = Field(
        default=None, ge=1, description="servers on this node; default: one for each group of accelerators, else one"
    )

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not LABEL.fullmatch(name):
            raise ValueError(f"{name!r} is no node name: use up to 40 lower case letters, digits, '-' and '.'")
        return name

    @field_validator("accelerators", mode="before")
    @classmethod
    def _count(cls, value: Any) -> Any:
        return tuple(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("accelerators")
    @classmethod
    def _once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) != len(value) or any(index < 0 for index in value):
            raise ValueError(f"accelerators {list(value)} must be different indices from 0")
        return value
