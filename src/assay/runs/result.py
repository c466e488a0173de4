"""`result.json`: a run's figures and its verdict, computed from the other files of its folder."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assay.runs.ledger import silent, unanswered_words
from assay.runs.outcome import Sure
from assay.runs.record import RunStatus
from assay.runs.scenarios import DriverName, Mode, Scenario
from assay.runs.shapes import LoadShape
from assay.runs.stored import Stored
from assay.runs.tail_limits import TailLimit


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Figure(_Model):
    """A number with its unit, its 95 % interval where one was computed, and where it comes from."""

    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    df: float | None = Field(default=None, description="degrees of freedom behind the interval; null: without end")
    shared: float = Field(default=0.0, description="standard error beyond it that repeats have in common, in the unit")
    n: int | None = None
    formula: str
    source: str = Field(description="files of the run folder")


class Distribution(_Model):
    """Percentiles of one quantity, ns, over successful samples (nearest-rank, as LoadGen computes them)."""

    n: int
    min: int
    max: int
    mean: float
    p50: int
    p90: int
    p95: int
    p97: int
    p99: int
    p99_9: int
    intervals: dict[str, tuple[int | None, int | None]] = Field(
        default_factory=dict, description="percentile: its 95 % interval; null where the samples can't bound a side"
    )
    early_stopping: dict[str, int | None] = Field(
        default_factory=dict, description="percentile: MLPerf's early-stopping bound; null: too few queries for one"
    )
    formula: str
    source: str


class LoadgenVerdict(_Model):
    """What LoadGen itself said."""

    result: str | None = Field(description="VALID, INVALID, or null where its summary is missing or has no verdict")
    reasons: list[str] = Field(default_factory=list)
    errors: int = 0
    warnings: int = 0
    metrics: dict[str, float] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)


class Verdict(_Model):
    """VALID only where LoadGen says so and every further condition holds; each one that doesn't is a reason."""

    valid: bool
    words: str = Field(description="the sentence that every page shows")
    reasons: list[str] = Field(default_factory=list)


class EndpointResult(_Model):
    endpoint: str
    node: str
    samples: int
    share: float = Field(description="of completed samples")
    output_tokens: int | None = Field(default=None, description="null where tokens aren't counted")
    samples_per_s: Figure | None = None
    output_tokens_per_s: Figure | None = None
    stopped_s: float | None = Field(
        default=None, description="after the first start: its last answer, where it stopped answering; else null"
    )


MeterBasis = Literal["counter", "power"]
"""The difference of an energy counter, or the trapezoid over readings of power."""
BASES: dict[MeterBasis, str] = {"counter": "energy counter", "power": "power readings"}


class Meter(_Model):
    """What one meter saw in the time that the run's rates are over."""

    node: str
    meter: str = Field(description="gpu<i>, or cpu<i> for a CPU package")
    basis: MeterBasis
    mean_power_w: float = Field(description="over the time that is known")
    covered: float = Field(description="share of the time that is known; the rest counts at the mean")
    counted: bool = Field(description="whether it is in the run's energy")


class Energy(_Model):
    """How much of the hardware was metered; the energy is in `figures`."""

    scope: str = Field(description="what is metered of each node that counts; empty: there is none")
    nodes: list[str] = Field(description="whose energy, and whose answers, the figures are of")
    unmetered: dict[str, str] = Field(description="node of the run whose energy isn't known: why")
    accelerators: tuple[int, int] = Field(description="those in the run's energy, and all that its endpoints have")
    meters: list[Meter]

    @property
    def words(self) -> str:
        """Whose energy the figures are."""
        nodes = len(self.nodes)
        return f"{self.scope or 'nothing that counts'} of {nodes} of {nodes + len(self.unmetered)} nodes"


class Score(_Model):
    """What one metric came to over all answers."""

    value: float
    unit: str
    possible: tuple[float | None, float | None] = Field(
        default=(None, None), description="the least and the most that it can be, whatever the answers; null: no bound"
    )
    total: bool = Field(default=False, description="a sum over the answers instead of a mean")
    low: float | None = Field(default=None, description="of its 95 % interval; null: a total, too few answers, or none")
    high: float | None = None

    @property
    def in_percent(self) -> bool:
        """A share of what is possible, so that it can be drawn beside others."""
        return self.possible == (0, 100)

    @property
    def of_what(self) -> str:
        """What stands behind the value in a sentence: a reader asks of how much it is."""
        return "of 100" if self.in_percent else self.unit


class EndpointScore(_Model):
    """What one metric came to over one endpoint's answers. The difference is to the others' at prompts of like length;
    its interval holds for all endpoints and metrics of the run at once."""

    value: float
    low: float | None = Field(default=None, description="of its 95 % interval; null: too few answers, or all alike")
    high: float | None = None
    difference: float | None = Field(default=None, description="null: too few answers, or no other endpoint")
    difference_low: float | None = None
    difference_high: float | None = None

    @property
    def worse(self) -> bool:
        """Lower than the others' by more than chance explains."""
        return self.difference_high is not None and self.difference_high < 0


class EndpointScores(_Model):
    """One endpoint's part of an accuracy run."""

    endpoint: str
    node: str
    samples: int = Field(description="its answers that were scored")
    scores: dict[str, EndpointScore] = Field(description="by metric; those that each answer has")


class LimitKept(_Model):
    """How many requests broke one of the limits that a search holds its rate against."""

    limit: TailLimit
    requests: int = Field(description="in order of arrival, from the first that counts on; those without an answer too")
    over: int = Field(description="of these, how many broke it")
    share: float
    low: float = Field(description="of the share's 95 % interval; requests that follow each other count together")
    high: float

    @property
    def kept(self) -> bool:
        """Whether no more broke it than may, by the count alone."""
        return self.share <= self.limit.share


class AccuracyResult(_Model):
    """`accuracy.json`: what the benchmark's scorer and its quality gate said."""

    scorer: str = Field(description="the benchmark's scorer; empty in runs made before scorers had names")
    scores: dict[str, Score] = Field(description="by metric, in the scorer's order")
    samples: int = Field(description="answers scored")
    gate: str = Field(description="pass, fail, 'no reference', or 'not comparable: N samples of M'")
    details: list[str] = Field(default_factory=list)
    endpoints: list[EndpointScores] = Field(
        default_factory=list, description="each endpoint's, where several answered; runs of earlier versions have none"
    )

    @property
    def comparable(self) -> bool:
        """Whether the reference says anything of these scores: of a part of the data set it doesn't."""
        return not self.gate.startswith("not comparable")

    @model_validator(mode="before")
    @classmethod
    def _version_1(cls, data: Any) -> Any:
        """Version 1 had the scores side by side with their count: fractions in percent, and one total."""
        if not isinstance(data, dict) or "scores" in data or _COUNT_V1 not in data:
            return data
        named = {name: value for name, value in data.items() if name not in (_COUNT_V1, "gate", "details")}
        scores = {
            name: Score(value=value, unit="mean F-measure x 100", possible=(0, 100))
            if isinstance(value, float)
            else Score(value=value, unit="characters", possible=(0, None), total=True)
            for name, value in named.items()
        }
        rest = {name: data[name] for name in ("gate", "details") if name in data}
        return {"scorer": "", "scores": scores, "samples": data[_COUNT_V1], **rest}


_COUNT_V1 = "gen_num"


class Result(Stored):
    """The versioned contract of `result.json`."""

    WHAT: ClassVar[str] = "a run's result"
    MEND: ClassVar[str] = "restore it from a copy; `assay run --resume` on its campaign writes it again"
    READS: ClassVar[tuple[int, ...]] = (1, 2)

    version: Literal[2] = 2
    run: str
    benchmark: str
    scenario: Scenario
    mode: Mode
    official: bool
    driver: DriverName = "loadgen"
    shape: LoadShape | None = Field(default=None, description="the pacer's load; null where LoadGen drove")
    status: RunStatus
    reason: str
    verdict: Verdict
    loadgen: LoadgenVerdict
    figures: dict[str, Figure] = Field(description="samples_per_s, output_tokens_per_s, duration_s, input_tokens, …")
    latency: dict[str, Distribution] = Field(description="ttft_ns, tpot_ns, itl_ns, latency_ns")
    endpoints: list[EndpointResult]
    accuracy: AccuracyResult | None = None
    energy: Energy | None = Field(default=None, description="null: no meter was found, or nothing is reportable")
    limits: list[LimitKept] = Field(default_factory=list, description="what a search holds its rate against")
    sure: Sure | None = Field(default=None, description="what ended a load that goes on until a test is sure")
    notices: list[str] = Field(default_factory=list, description="what a reader must know beside the verdict")

    @property
    def silent(self) -> list[str]:
        """Endpoints that answered nothing: the rates are those of the others."""
        return silent({endpoint.endpoint: endpoint.samples for endpoint in self.endpoints})

    @property
    def stopped(self) -> dict[str, float]:
        """Endpoints that stopped answering, and after how many seconds: from then on the rates are the others'."""
        return {own.endpoint: own.stopped_s for own in self.endpoints if own.stopped_s is not None}

    @property
    def sure_words(self) -> str:
        """Why a load ended that goes on until a test is sure, such as "after 41 s: over p99 TTFT ≤ 2,000 ms, sure";
        else empty."""
        if self.sure is None:
            return ""
        most = max(self.limits, key=lambda kept: kept.share / kept.limit.share, default=None)
        over = "over a limit" if most is None else f"over {most.limit.title}"
        what = {
            "limits": f"{over if self.sure.over else 'within every limit'}, sure",
            "growth": "a queue that grows, sure",
            "ease": "no request came near a limit",
            "so far": "within every limit so far",
        }[self.sure.because]
        return f"after {self.sure.after_ns / 1e9:.3g} s: {what}"

    @property
    def unanswered_words(self) -> str:
        """What must stand beside the figures where samples failed or were lost; else empty."""
        issued, failed, lost = (
            figure.value if (figure := self.figures.get(f"samples_{name}")) else 0.0
            for name in ("issued", "failed", "lost")
        )
        return unanswered_words(issued, failed + lost)

    @model_validator(mode="before")
    @classmethod
    def _version_1(cls, data: Any) -> Any:
        """Version 1 differs in `accuracy` alone, which reads both forms."""
        return data | {"version": 2} if isinstance(data, dict) and data.get("version") == 1 else data


def result_json_schema() -> dict[str, Any]:
    """The JSON schema of `result.json`, also shipped as `runs/result.schema.json`."""
    return Result.model_json_schema()
