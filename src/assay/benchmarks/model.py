"""What a benchmark is: the model, the prompt, the limits and the quality that a result must reach."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from assay.benchmarks.first_form import upgrade_quality
from assay.quantities import A_YEAR_S, Count, Tokens
from assay.runs.scenarios import Compliance, Mode, Scenario

ARTICLE_FIELD = "{article}"

LoadgenScenario = Literal["Offline", "Server", "SingleStream"]
TokenId = Annotated[int, Field(ge=0, lt=2**31)]
Nanoseconds = Annotated[int, Field(gt=0, le=A_YEAR_S * 1_000_000_000)]
Range = tuple[float | None, float | None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ScenarioSpec(_Model):
    """One scenario of a benchmark, and how LoadGen is told about it."""

    loadgen_model: str | None = Field(
        default=None, description="name in LoadGen's built-in settings; null: LoadGen doesn't know this benchmark"
    )
    loadgen_scenario: LoadgenScenario = Field(description="Interactive is LoadGen's Server with other limits")
    min_duration_ns: Nanoseconds = Field(description="shortest measured time of a full run, ns")
    min_query_count: Count = Field(description="fewest queries of a full run (Offline: samples of its one query)")
    ttft_limit_ns: Nanoseconds | None = Field(default=None, description="limit of the 99th percentile, ns")
    tpot_limit_ns: Nanoseconds | None = Field(default=None, description="limit of the 99th percentile, ns")

    @model_validator(mode="after")
    def _limits_come_together(self) -> Self:
        if (self.ttft_limit_ns is None) != (self.tpot_limit_ns is None):
            raise ValueError("ttft_limit_ns and tpot_limit_ns belong together: give both or neither")
        if (self.loadgen_scenario == "Server") != (self.ttft_limit_ns is not None):
            raise ValueError("ttft_limit_ns and tpot_limit_ns are needed for loadgen_scenario Server, and only there")
        return self


class QualityTargets(_Model):
    """What scores over the whole dataset must reach, metric by metric; the metrics are the benchmark's scorer's."""

    targets: dict[str, Range] = Field(
        min_length=1, description="metric: the least and the most that pass; null: no bound on that side"
    )
    reference: dict[str, float] = Field(
        default_factory=dict, description="metric: what the reference scored, shown beside a result"
    )
    samples: Count = Field(description="samples that the reference was measured over")
    source: str = Field(min_length=1, description="where the values come from, or the command that measured them")

    @model_validator(mode="before")
    @classmethod
    def _first_form(cls, data: Any) -> Any:
        return upgrade_quality(data)

    @model_validator(mode="after")
    def _ranges_hold_something(self) -> Self:
        for metric, (low, high) in self.targets.items():
            if low is None and high is None:
                raise ValueError(f"targets.{metric} needs a least or a most")
            if low is not None and high is not None and low > high:
                raise ValueError(f"targets.{metric}: the least, {low:g}, is above the most, {high:g}")
        return self


class DatasetSpec(_Model):
    """Which samples a benchmark asks for."""

    title: str
    files: tuple[str, ...] = Field(
        default=(), description="file names looked for in a folder, in this order; none: the user names the source"
    )
    bundled: bool = Field(default=False, description="the file comes with this package")
    tokens_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="of all samples' token ids, as docs/data.md forms it; null: not known, so no copy is verified",
    )
    total_sample_count: Count | None = Field(default=None, description="null: all that the file holds")
    performance_sample_count: Count | None = Field(default=None, description="null: all that the file holds")


class Sampling(_Model):
    """How the tokens of an answer are drawn from the model's distribution."""

    temperature: float = Field(ge=0, le=2)
    top_p: float = Field(gt=0, le=1, description="share of the likeliest tokens that are drawn from")


class AccuracySpec(_Model):
    """What is otherwise in accuracy runs."""

    dataset: DatasetSpec
    max_new_tokens: Tokens


class Benchmark(_Model):
    """What is measured. Every value that a result's meaning depends on, in one place."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    model_family: str = Field(
        default="", description="name of the architecture and size, for example llama3.1-8b; empty: any model"
    )
    starting_weights: str = Field(default="", description="the checkpoint that everything starts from; empty: any")
    mlperf: bool = Field(default=False, description="a benchmark of MLPerf Inference")
    prompt_template: str | None = Field(
        default=None, description="text of a prompt; {article} is replaced by the article; null: the data set's own"
    )
    use_chat_template: bool = Field(default=False, description="the prompt becomes a user message")
    clean_up_spaces: bool = Field(
        default=False, description="answers lose the space before punctuation ahead of scoring, as the reference's did"
    )
    min_new_tokens: Tokens = 1
    max_new_tokens: Tokens = 128
    sampling: Sampling | None = Field(
        default=None, description="how tokens are drawn; null: greedily, always the likeliest"
    )
    stop_token_ids: tuple[TokenId, ...] = Field(
        default=(), description="any of these ends an answer; none: the server's"
    )
    context_limit: Tokens | None = Field(
        default=None, description="tokens of prompt and answer that the model can hold; null: it depends on the model"
    )
    dataset: DatasetSpec
    accuracy: AccuracySpec | None = Field(
        default=None, description="accuracy runs have samples of their own; null: those of performance runs"
    )
    compliance_data: dict[Compliance, DatasetSpec] = Field(
        default_factory=dict, description="compliance tests whose runs have samples of their own"
    )
    scenarios: dict[Scenario, ScenarioSpec] = Field(
        default_factory=dict, description="LoadGen's; none: only the pacer's loads can be run"
    )
    notice: str = Field(default="", description="what a reader of any result must know; every report says it")
    scorer: str | None = Field(default="rouge", description="what scores answers; null: nothing here does")
    scored_with: str = Field(
        default="", description="the program that scores LoadGen's accuracy log where no scorer here can; empty: none"
    )
    quality: QualityTargets | None = Field(default=None, description="null: no reference has been measured")

    @field_validator("prompt_template")
    @classmethod
    def _template_has_one_article(cls, template: str | None) -> str | None:
        if template is not None and template.count(ARTICLE_FIELD) != 1:
            raise ValueError(f"must contain {ARTICLE_FIELD} once")
        return template

    @model_validator(mode="after")
    def _answers_fit(self) -> Self:
        if not self.min_new_tokens <= self.max_new_tokens < (self.context_limit or math.inf):
            raise ValueError("needs min_new_tokens <= max_new_tokens < context_limit")
        return self

    @model_validator(mode="after")
    def _targets_have_a_scorer(self) -> Self:
        if self.scorer is not None and self.scored_with:
            raise ValueError("give scorer or scored_with, and not both")
        if self.quality is not None and self.scorer is None and not self.scored_with:
            raise ValueError("quality needs a scorer")
        return self

    def in_mode(self, mode: Mode, test: Compliance | None = None) -> Benchmark:
        """What runs of that mode measure, or of a compliance test: where these have samples of their own, those."""
        if test in self.compliance_data:
            return self.model_copy(update={"dataset": self.compliance_data[test], "accuracy": None})
        if mode != "accuracy" or self.accuracy is None:
            return self
        own = self.accuracy
        return self.model_copy(update={"dataset": own.dataset, "max_new_tokens": own.max_new_tokens, "accuracy": None})

    @property
    def unscored(self) -> str:
        """What the quality gate says of answers that nothing here has scored."""
        return f"to be scored with {self.scored_with}" if self.scored_with else "not measured"

    def prompt(self, article: str) -> str:
        """The text of the prompt for `article`, before any chat template."""
        return article if self.prompt_template is None else self.prompt_template.replace(ARTICLE_FIELD, article)
