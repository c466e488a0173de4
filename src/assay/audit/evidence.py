"""What an audit looks at: figures that somebody states about runs, whoever stated them and in whatever file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from assay.analysis.ceilings import Accelerator, ModelShape
from assay.audit.claimed import ClaimedChange, ClaimedRate, ClaimedSettings
from assay.audit.curves import EndpointsSubmission
from assay.audit.facts import DatasetFacts
from assay.audit.folder import CampaignFacts, FolderFacts
from assay.audit.spans import Span
from assay.audit.submitters import Submitter
from assay.benchmarks import Copy
from assay.benchmarks.mlperf import LlmFacts
from assay.runs import Ledger, LoadgenDetail, LoadgenSummary
from assay.runs.manifest import Checked
from assay.runs.shapes import LoadShape


class Origin(StrEnum):
    """Who states the figures, which decides what a rule may expect of them."""

    RUN = "run folder"
    LOADGEN = "LoadGen logs"
    SUBMISSION = "MLPerf results"
    ENDPOINTS = "MLPerf Endpoints results"
    CLAIMS = "claims file"


@dataclass
class Spread:
    """Statistics of one latency, ns. `n` is the number of samples behind them."""

    name: str
    n: int | None = None
    min: Span | None = None
    max: Span | None = None
    mean: Span | None = None
    std: Span | None = None
    percentiles: dict[float, Span] = field(default_factory=dict)
    certified: dict[float, Span] = field(default_factory=dict)
    """Early stopping's estimates: no less than the percentile, with its confidence."""

    def named(self) -> Iterator[tuple[str, Span]]:
        """Each statistic that is there, with its name."""
        for name in ("min", "max", "mean", "std"):
            value = getattr(self, name)
            if value is not None:
                yield name, value
        for percentile, value in sorted(self.percentiles.items()):
            yield f"p{percentile:g}", value

    def __bool__(self) -> bool:
        return any(True for _ in self.named()) or bool(self.certified)


@dataclass
class SampleCounts:
    """Counts of samples. None: not stated."""

    assigned: int | None = None
    completed: int | None = None
    failed: int | None = None
    lost: int | None = None


@dataclass
class Quality:
    """What is stated about accuracy. `passed` is the claim that the target was reached."""

    samples: int | None = None
    scores: dict[str, float] = field(default_factory=dict)
    passed: bool | None = None


OUTPUT_ROOM = 1.1
"""An answer's tokens, counted by tokenising its text again, over those that were generated."""


@dataclass
class Outputs:
    """How answers ended. `limit` is the token limit that they are said to have."""

    limit: int | None = None
    ended_by_eos: int | None = None
    ended_by_limit: int | None = None
    ended_otherwise: dict[str, int] = field(default_factory=dict)
    longest: int | None = None
    stopped_short: int | None = None
    overlong: int | None = None
    """Answers longer than what their own requests allowed, with the room of the rule `output-ends`."""
    usage_tokens: int | None = None
    """Of answers whose tokens only usage counts, where their text was counted too."""
    text_tokens: int | None = None
    """Of the same answers' text, by the tokenizer."""
    usage_answers: int = 0
    endless: bool = False
    """Answers go on behind the end of the sequence, and what follows may have no text."""


@dataclass(frozen=True)
class Rated:
    """What rates count, where a load's time ended before its last answers came."""

    seconds: Span
    samples: float
    """Those that were in flight at the end count in part."""
    output_tokens: Span | None
    """None where tokens aren't counted."""


@dataclass
class Recomputed:
    """The same figures computed again from the samples' own records; what a report's figures must equal.

    `decode_batch` is the mean number of samples between first and last token, over the time in which there were any.
    """

    completed: int
    failed: int
    lost: int
    duration_s: float
    output_tokens: int | None
    rated: Rated
    spreads: dict[str, Spread]
    decode_batch: float | None
    source: str


@dataclass
class Costs:
    """What a run took beside time. Prices are in one currency."""

    power_w: Span | None = None
    energy_j: Span | None = None
    energy_per_token_j: Span | None = None
    tokens_per_joule: Span | None = None
    price_per_hour: Span | None = None
    price_per_million_tokens: Span | None = None


@dataclass(frozen=True)
class Moment:
    """A date, with or without a time of day. `at` is None where there is no such day or time."""

    text: str
    at: datetime | None


@dataclass(frozen=True)
class EndpointsSettings:
    """How the client of MLPerf Endpoints was set, and whether it got to its end. None: not stated."""

    kind: str | None = None
    """`offline` or `online`."""
    load: str | None = None
    """The load pattern, as `poisson`."""
    target_qps: float | None = None
    min_duration_ms: float | None = None
    seeds: tuple[int | None, int | None] = (None, None)
    """Of the sample index and of the schedule."""


@dataclass
class SubmissionFiles:
    """What lies beside a submission's performance run, in its scenario's folder."""

    accuracy: bool
    tests: dict[str, str]
    """By compliance test that is there: what it says against the run; empty: it passed."""
    whole: bool
    """The folder is a submission's own, which has all its files, and not a part of one."""


@dataclass
class RunEvidence:
    """One run's stated figures. None or empty: not stated. Rates are a second; latencies ns; shares 0 to 1."""

    name: str
    origin: Origin
    where: str
    scenario: str | None = None
    mode: str = "performance"
    benchmark: str | None = None
    rules: LlmFacts | None = None
    """What the benchmark's rules fix, where it is known."""
    division: str | None = None
    claims_valid: bool = False
    claims_mlperf: bool = False
    simulated: bool = False
    samples: SampleCounts = field(default_factory=SampleCounts)
    duration_s: Span | None = None
    duration_source: str = ""
    rated: Rated | None = None
    wall_clock_s: Span | None = None
    issued_s: Span | None = None
    """LoadGen's Server: its rates are over the time until the last *issued* query is answered, which is no shorter
    than this; answers to others may come later."""
    samples_per_s: Span | None = None
    scheduled_per_s: Span | None = None
    tokens_per_s: Span | None = None
    output_tokens: Span | None = None
    mean_output_tokens: Span | None = None
    mean_input_tokens: Span | None = None
    success_rate: Span | None = None
    goodput_per_s: Span | None = None
    """Samples a second that kept their limits."""
    costs: Costs = field(default_factory=Costs)
    began: Moment | None = None
    ended: Moment | None = None
    concurrency: int | None = None
    latency: Spread = field(default_factory=lambda: Spread("latency"))
    ttft: Spread = field(default_factory=lambda: Spread("TTFT"))
    tpot: Spread = field(default_factory=lambda: Spread("TPOT"))
    parts: list[RunEvidence] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    model: ModelShape | None = None
    precision: str | None = None
    hardware: list[tuple[Accelerator, int]] = field(default_factory=list)
    hardware_guessed: bool = False
    engines: int | None = 1
    """Engines side by side, each with its own weights and a part of the samples. None: not known."""
    cached_input: float = 0.0
    speculative_tokens: float | None = None
    prefix_caching: bool | None = None
    memory_used: Span | None = None
    mbu: Span | None = None
    mfu: Span | None = None
    utilisation: Span | None = None
    quality: Quality = field(default_factory=Quality)
    outputs: Outputs = field(default_factory=Outputs)
    measured: Recomputed | None = None
    summary: LoadgenSummary | None = None
    detail: LoadgenDetail | None = None
    ledger_problems: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    finished: bool = False
    """A run folder's: the run went to its end."""
    loadgen_drove: bool = True
    """A run folder's: LoadGen issued the samples, and its logs are there."""
    shape: LoadShape | None = None
    """A run folder's: the load that the pacer drove."""
    ledger: Ledger | None = None
    verdict_words: str = ""
    """A run folder's: the verdict as its own pages show it."""
    window_bounds_service_only: bool = False
    """`concurrency` limits the requests that are being served; samples that wait for their turn aren't in it."""
    loadgen_mode: str | None = None
    """LoadGen's own word for what it did, as `PerformanceOnly`."""
    loadgen_word: str | None = None
    """A run folder's: LoadGen's verdict as result.json has it."""
    delay_ns: float = 0.0
    """A run folder's: the longest delays between an answer's arrival and LoadGen's knowing of it that were measured."""
    rests_on: dict[str, tuple[bool, str]] = field(default_factory=dict)
    """A run folder's files: whether each is there, and which figures rest on it."""
    copy: Copy | None = None
    """A run folder's: whether its samples are the benchmark's; None: it asks for none, or the record doesn't tell."""
    named_official: bool = False
    """A run folder's: its data set goes by the name of the benchmark's own."""
    manifest: Checked | None = None
    """A run folder's: its files held against the manifest that it was closed with."""
    folder: FolderFacts | None = None
    """A run folder's: its files, to be held against each other."""
    logged: RunEvidence | None = None
    """What the logs say that a claim names, or that lie in the run folder."""
    endpoints: EndpointsSettings | None = None
    submitted: SubmissionFiles | None = None
    """A submission's performance run that counts as a result."""
    submission: str | None = None
    """The folder of the submitter in a division, whose results are one submission."""
    of_round: str | None = None
    """The round of MLPerf Inference whose seeds the run has."""
    dataset: DatasetFacts | None = None
    dataset_samples: int | None = None

    @property
    def rate_samples(self) -> float | None:
        """Completed samples that the rates count."""
        return self.rated.samples if self.rated else self.samples.completed

    @property
    def rate_seconds(self) -> Span | None:
        """The time that the rates are over."""
        return self.rated.seconds if self.rated else self.duration_s

    @property
    def rate_tokens(self) -> Span | None:
        """Output tokens that the rates count."""
        return self.rated.output_tokens if self.rated else self.output_tokens

    @property
    def spreads(self) -> list[Spread]:
        return [spread for spread in (self.latency, self.ttft, self.tpot) if spread]

    @property
    def performance(self) -> bool:
        return self.mode == "performance"

    @property
    def scenario_key(self) -> str:
        """The scenario in lower case, for folders name it in every way."""
        return (self.scenario or "").lower()


@dataclass
class ClaimedRatio:
    """A claimed ratio of a combined run to others.

    `measured`: whether the baselines were run at all. `lowest`: the lower end of the ratio's stated interval.
    """

    kind: str
    statement: str
    claimed: Span | None
    combined: RunEvidence | None
    baselines: list[RunEvidence]
    measured: bool = True
    lowest: float | None = None


@dataclass
class ClaimedDuration:
    """A claimed duration for another number of samples, from a run's rate."""

    statement: str
    run: RunEvidence | None
    samples: int
    duration_s: Span


@dataclass
class Wording:
    """Words shown to readers, with their place."""

    where: str
    text: str


@dataclass(frozen=True)
class Signature:
    """Who signed a campaign's manifest, as somebody who knows the keys found. One of the three is said."""

    signer: str = ""
    """Identity and key."""
    absent: str = ""
    """Why there is nothing to believe."""
    false: str = ""
    """What is there isn't what it should be, and how so."""


@dataclass
class Evidence:
    """Everything that was found at a path."""

    path: str
    kind: str
    runs: list[RunEvidence] = field(default_factory=list)
    comparisons: list[ClaimedRatio] = field(default_factory=list)
    projections: list[ClaimedDuration] = field(default_factory=list)
    changes: list[ClaimedChange] = field(default_factory=list)
    rates: list[ClaimedRate] = field(default_factory=list)
    settings: list[ClaimedSettings] = field(default_factory=list)
    texts: list[Wording] = field(default_factory=list)
    unreadable: list[Wording] = field(default_factory=list)
    manifest: Checked | None = None
    """A campaign's: its own files and its runs' manifests."""
    signature: Signature | None = None
    """None: nobody asked."""
    campaign: CampaignFacts | None = None
    submitted_to: str | None = None
    """The round that a results tree is said to be a whole submission to."""
    submitters: list[Submitter] = field(default_factory=list)
    """Of a tree that is said to be a whole submission."""
    endpoints: list[EndpointsSubmission] = field(default_factory=list)
    """Submissions to MLPerf Endpoints in it."""
