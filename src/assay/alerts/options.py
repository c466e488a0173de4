"""The `alerts:` section of assay.yaml: what is watched during runs, and who is told."""

from __future__ import annotations

import os
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from assay.errors import UserError
from assay.plain_files import plain
from assay.quantities import A_YEAR_S, LocalPath, OneLine, Variable

Share = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1e12)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Rule(_Section):
    """What every rule has."""

    margin: float = Field(ge=0, le=1e12, description="how far it must come back from the limit to be cleared")
    for_s: float = Field(ge=0, le=A_YEAR_S, description="how long it must be so before it is raised, or cleared")
    stop: bool = Field(default=False, description="end the run by this alert; what was measured is kept")


def _partial(schema: dict[str, Any]) -> None:
    """For editors: what isn't given of a rule keeps its default."""
    schema.pop("required")


class ShareRule(Rule):
    """A limit on a share: 1 is all."""

    model_config = ConfigDict(json_schema_extra=_partial)

    limit: Share = Field(description="raised beyond it; 1 is all")


class AmountRule(Rule):
    """A limit on what has a unit, or on a ratio."""

    model_config = ConfigDict(json_schema_extra=_partial)

    limit: Positive = Field(description="raised beyond it, in the rule's unit")


class DeadlineRule(Rule):
    """When the run in progress should be over."""

    at: AwareDatetime = Field(description="a time with its zone, such as 2026-07-01T08:00:00+02:00")
    margin: float = Field(default=60, ge=0, le=A_YEAR_S, description="s that it must be early again to be cleared")
    for_s: float = Field(
        default=30, ge=0, le=A_YEAR_S, description="how long it must be so before it is raised, or cleared"
    )


def _or_off(schema: dict[str, Any]) -> None:
    """For editors, of which some read `off` as a word."""
    for rule in schema["properties"].values():
        rule["anyOf"].append({"enum": [False, "off"]})


class Rules(_Section):
    """Each rule: other settings than these defaults, or `off`."""

    model_config = ConfigDict(json_schema_extra=_or_off)

    slower_than_before: ShareRule | None = Field(
        default=ShareRule(limit=0.3, margin=0.1, for_s=30),
        description="by how much an endpoint's rate is below its own median so far",
    )
    slower_than_peers: ShareRule | None = Field(
        default=ShareRule(limit=0.3, margin=0.1, for_s=30),
        description="by how much an endpoint's rate is below that of others with the same hardware and settings",
    )
    errors: ShareRule | None = Field(
        default=ShareRule(limit=0.05, margin=0.04, for_s=5),
        description="share of an endpoint's attempts of the last minute that failed",
    )
    stall: AmountRule | None = Field(
        default=AmountRule(limit=120, margin=0, for_s=0),
        description="s without an answer of an endpoint that owes some, or without a sign of the load's process",
    )
    endpoint_out: AmountRule | None = Field(
        default=AmountRule(limit=10, margin=0, for_s=0), description="s that an endpoint is out of service"
    )
    throttling: ShareRule | None = Field(
        default=ShareRule(limit=0.2, margin=0.1, for_s=10),
        description="share of the last minute in which a GPU's own driver slowed it down; not by its power limit",
    )
    temperature: AmountRule | None = Field(default=AmountRule(limit=90, margin=5, for_s=10), description="°C of a GPU")
    gpu_memory: ShareRule | None = Field(
        default=ShareRule(limit=0.98, margin=0.01, for_s=30), description="share of a GPU's memory in use"
    )
    memory: ShareRule | None = Field(
        default=ShareRule(limit=0.95, margin=0.02, for_s=30), description="share of a host's memory in use"
    )
    kv_cache: ShareRule | None = Field(
        default=ShareRule(limit=0.95, margin=0.05, for_s=30), description="share of an endpoint's KV cache in use"
    )
    preemptions: AmountRule | None = Field(
        default=AmountRule(limit=0.05, margin=0.04, for_s=10),
        description="preemptions for each answer of an endpoint in the last minute",
    )
    clock_offset: AmountRule | None = Field(
        default=AmountRule(limit=0.1, margin=0.05, for_s=30), description="s between a node's clock and this machine's"
    )
    disk: AmountRule | None = Field(
        default=AmountRule(limit=2, margin=1, for_s=10), description="GiB that are free where results are written"
    )
    client_bound: ShareRule | None = Field(
        default=ShareRule(limit=0.85, margin=0.1, for_s=30),
        description="share of a core that the busiest process of the load uses",
    )
    deadline: DeadlineRule | None = Field(default=None, description="only where its time is given")

    @model_validator(mode="before")
    @classmethod
    def _over_defaults(cls, given: Any) -> Any:
        """A rule that is given in part keeps the rest of its defaults."""
        if not isinstance(given, dict):
            return given
        merged = dict(given)
        for name, settings in given.items():
            default = cls.model_fields[name].default if name in cls.model_fields else None
            if settings is False:  # what `off` is in YAML
                merged[name] = None
            elif isinstance(settings, dict) and isinstance(default, Rule):
                merged[name] = default.model_dump() | settings
        return merged


_EITHER = "give either env, the name of a variable, or file, the path of a file that holds the URL"


class Secret(_Section):
    """Where a secret is found: it is read whenever it is needed, and written nowhere."""

    env: Variable | None = Field(default=None, description="the variable that holds it")
    file: LocalPath | None = Field(default=None, description="the file that holds it")

    @model_validator(mode="before")
    @classmethod
    def _elsewhere(cls, given: Any) -> Any:
        """Whoever gives the URL itself is told so without showing it."""
        if isinstance(given, str):
            raise ValueError(f"{_EITHER}; not the URL itself, for results keep the configuration")
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError(_EITHER)
        return self

    @property
    def place(self) -> str:
        """Where it is found, in words."""
        return f"the variable {self.env}" if self.file is None else f"the file {self.file}"

    def urls(self) -> list[str]:
        """The URLs that it holds, parted by spaces or lines. Raises UserError where there is none."""
        if self.file is None:
            text = os.environ.get(self.env or "")
        else:
            try:
                text = plain(self.file).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                text = None
        if text is None:
            raise UserError(f"alerts: {self.place} can't be read: set it to the URL that alerts are sent to")
        if not (found := text.split()):
            raise UserError(f"alerts: {self.place} is empty: set it to the URL that alerts are sent to")
        return found


class AlertOptions(_Section):
    """`alerts:`."""

    rules: Rules = Rules()
    webhook: Secret | None = Field(default=None, description="a URL that gets each alert by POST, as JSON")
    command: tuple[OneLine, ...] = Field(
        default=(), description="a program and its arguments, started for each alert, which it gets on standard input"
    )
    apprise: Secret | None = Field(
        default=None, description="URLs of services as Apprise writes them. Needs the extra `alerts`"
    )


def webhook_url(secret: Secret) -> str:
    """Raises UserError where it is none, without showing it."""
    found = secret.urls()
    try:
        usable = (
            len(found) == 1 and urlsplit(found[0]).scheme in ("http", "https") and bool(urlsplit(found[0]).hostname)
        )
    except ValueError:
        usable = False
    if not usable or not (found[0].isascii() and found[0].isprintable()):
        raise UserError(f"alerts: {secret.place} holds no URL that begins with http:// or https://")
    return found[0]
