"""A node as the configuration names it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assay.quantities import Price, Several

LABEL = re.compile(r"[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?")


MOST_ACCELERATORS = 1024
"""Of one node."""


_Accelerators = Annotated[int, Field(ge=0, le=MOST_ACCELERATORS)]
Indices = tuple[Annotated[int, Field(ge=0, lt=MOST_ACCELERATORS)], ...]


class Options(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NodeOptions(Options):
    """One node."""

    name: str = Field(description="as it appears in results; lower case letters, digits, '-' and '.'")
    accelerators: Indices = Field(default=(), description="their indices on the node; a number N means 0 to N-1")
    servers: Several | None = Field(
        default=None, description="servers on this node; default: one for each group of accelerators, else one"
    )
    cost_per_hour: Price | None = Field(default=None, description="of the node, busy or not; in `currency`")

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not LABEL.fullmatch(name):
            raise ValueError(f"{name!r} is no node name: use up to 40 lower case letters, digits, '-' and '.'")
        return name

    @field_validator("accelerators", mode="before", json_schema_input_type=_Accelerators | Indices)
    @classmethod
    def _count(cls, value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        if not 0 <= value <= MOST_ACCELERATORS:
            raise ValueError(f"{value} accelerators: write 0 to {MOST_ACCELERATORS}, or a list of their indices")
        return tuple(range(value))

    @field_validator("accelerators")
    @classmethod
    def _once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"accelerators {list(value)} must differ from each other")
        return value
