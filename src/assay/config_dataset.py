"""The `dataset` section of the user's YAML: which prompts, read from what, or made how."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from assay.quantities import MOST_TOKENS, Count, LocalPath, Samples, Seed, Tokens


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Lengths(_Section):
    """Lengths in tokens: `512`, all alike; `{low, high}`, uniform; `{mean, std}`, lognormal, cut at low and high."""

    tokens: Tokens | None = Field(default=None, description="all alike")
    low: Tokens | None = Field(default=None, description="the shortest")
    high: Tokens | None = Field(default=None, description="the longest, itself included")
    mean: float | None = Field(
        default=None, gt=0, le=MOST_TOKENS, description="lognormal: mean, before it is cut at low and high"
    )
    std: float | None = Field(
        default=None, gt=0, le=MOST_TOKENS, description="lognormal: standard deviation, in tokens"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_number(cls, data: Any) -> Any:
        return {"tokens": data} if isinstance(data, int) and not isinstance(data, bool) else data

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        lognormal = {"mean", "std"} <= given <= {"mean", "std", "low", "high"}
        if not (given in ({"tokens"}, {"low", "high"}) or lognormal):
            raise ValueError(
                "write lengths as a number, as {low, high} or as {mean, std}, the last with low, high or not"
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low must not be above high")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Also a number: it stands for `tokens`."""
        keys = handler(core)
        return {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_TOKENS}, keys]}

    def __str__(self) -> str:
        if self.tokens is not None:
            return str(self.tokens)
        ends = f"{self.low or 1} to {self.high or 'any length'}"
        return ends if self.mean is None else f"{self.mean:g} ± {self.std:g} (lognormal, {ends})"


class SharedPrefix(_Section):
    """The first tokens of a prompt, the same for all prompts of a group."""

    tokens: Tokens = Field(description="length of the prefix")
    groups: Count = Field(default=1, description="prompts take turns: prompt i is of group i modulo groups")


class SyntheticConfig(_Section):
    """Prompts made of common words, at random."""

    input: Lengths = Field(description="tokens of a whole prompt, its prefix and the chat template's own included")
    output: Lengths = Field(description="longest answer, tokens")
    prefix: SharedPrefix | None = None


class HubConfig(_Section):
    """A data set on the Hugging Face hub. Needs the extra `huggingface`."""

    name: str = Field(min_length=1, description="owner/name")
    config: str | None = Field(default=None, description="which of its configurations")
    split: str = Field(default="train", description="which of its splits")
    revision: str | None = Field(default=None, description="branch, tag or commit; default: the newest")


class DatasetConfig(_Section):
    """Which prompts are sent. Without path, synthetic or hub: the benchmark's bundled set."""

    path: LocalPath | None = Field(default=None, description="file or folder; default: the benchmark's bundled set")
    samples: Samples | None = Field(default=None, description="only the first N samples; not with official")
    format: str | None = Field(default=None, description="how the file is laid out; default: recognised by its content")
    fields: dict[str, str] = Field(
        default_factory=dict, description="names of fields: what assay calls it → what the file calls it"
    )
    sessions: bool = Field(
        default=False, description="each user turn of a conversation is a sample that waits for the answer before it"
    )
    max_tokens: Tokens | None = Field(
        default=None, description="longest answer of samples that name none; default: the benchmark's"
    )
    block_tokens: Tokens = Field(default=512, description="traces: tokens that one of the hash_ids stands for")
    seed: Seed = Field(default=0, description="of prompts that are made: synthetic ones and a trace's")
    synthetic: SyntheticConfig | None = None
    hub: HubConfig | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("path", "synthetic", "hub") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of path, synthetic and hub; found {' and '.join(given)}")
        return self
