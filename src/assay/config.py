"""The user's YAML as models, with defaults, and messages that name the line and the mend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from assay.alerts.options import AlertOptions
from assay.benchmarks import is_benchmark_file
from assay.cluster.options import ClusterOptions, LocalOptions
from assay.config_curve import CurveConfig
from assay.config_dataset import DatasetConfig
from assay.config_errors import SourceMap, explain, mistake, unstorable
from assay.config_tuning import EngineTuning
from assay.engines.options import EmbeddedOptions, EngineOptions
from assay.errors import UserError
from assay.quantities import (
    NO_NUMBER,
    AtOnce,
    Count,
    LocalPath,
    OneLine,
    Percent,
    Rate,
    Seconds,
    Seed,
    Several,
    from_here,
    truths_misread,
)
from assay.runs.campaign import CampaignKind
from assay.runs.rate_search import TunedScenario
from assay.runs.scenarios import Compliance, LoadgenDriven, Mode, Scenario
from assay.runs.shapes import LoadShape, RateShape
from assay.runs.slo import Slo, WrittenSeconds
from assay.runs.tail_limits import WrittenTailLimit
from assay.safe_yaml import parse_yaml, read_yaml
from assay.serving.connection import CONNECT_TIMEOUT_S, Reach

BenchmarkName = Annotated[str, AfterValidator(lambda name: from_here(name) if is_benchmark_file(name) else name)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LoadConfig(_Section):
    """How the client behaves. The defaults suit most systems."""

    workers: Several | None = Field(
        default=None, description="client processes; default: by requests in flight, rates and cores"
    )
    max_attempts: int = Field(default=3, ge=1, le=20, description="how often a sample may be sent")
    connect_timeout_s: Seconds = Field(default=CONNECT_TIMEOUT_S, description="longest wait for a connection")
    stall_timeout_s: Seconds = Field(default=60, description="longest silence of a server that owes an answer")
    request_timeout_s: Seconds = Field(
        default=600, description="longest time of one request, from its sending to its last token"
    )
    warmup_prompts: int | None = Field(
        default=None,
        ge=0,
        le=65_536,
        description="different prompts of the warm-up, as long as the run's; 0: no warm-up; default: enough for four "
        "waves of as many as are in flight",
    )
    warmup_tolerance: float = Field(
        default=0.03, gt=0, lt=1, description="by how much the token rates of two waves of warm-up prompts may differ"
    )
    warmup_limit_s: Seconds = Field(default=300, description="longest warm-up of a run")
    ca_file: LocalPath | None = Field(default=None, description="certificates to trust for https endpoints")


class LoadgenConfig(_Section):
    user_conf: LocalPath | None = Field(default=None, description="LoadGen's user.conf; its settings win over assay's")
    audit_config: LocalPath | None = Field(default=None, description="LoadGen's audit.config, for compliance runs")
    over_network: bool = Field(
        default=False, description="the system is named as one behind a network, as MLPerf's network division asks"
    )


class CampaignConfig(_Section):
    """Which runs answer the question."""

    kind: CampaignKind = Field(
        default="single",
        description="single: the scenarios; scaling: each node alone, then together; official: what a submission "
        "needs; sweep: a list of rates or concurrencies; bench: loads of your own, with your prompts; "
        "tune-curve: throughput against pace, up to saturation; "
        "tune-rate: the highest rate of arrivals that keeps its limits; "
        "tune-engine: the engine's best settings and layout",
    )
    repeats: Several | None = Field(default=None, description="default: 3 for scaling and tune-engine, else 1")
    seed: Seed = Field(default=0, description="of the order of runs")
    queries_per_node: Count | None = Field(
        default=None, description="scaling: queries for each node that takes part; default: the same for all runs"
    )
    rates: tuple[Rate, ...] = Field(default=(), description="sweep: target QPS of each Server or Interactive run")
    concurrencies: tuple[AtOnce, ...] = Field(
        default=(), description="sweep: requests in flight in each further run, over all endpoints together"
    )
    curve: CurveConfig = Field(default=CurveConfig(), description="tune-curve: which points")
    scenario: TunedScenario | None = Field(
        default=None,
        description="searches for a rate (tune-rate, highest-rate): of the run that confirms it, Server or "
        "Interactive, or rate (the pacer's); default: Server, with limits rate",
    )
    limits: tuple[WrittenTailLimit, ...] = Field(
        default=(),
        description="searches for a rate: what it must keep, such as p99(ttft) < 2 s; default: those of the "
        "benchmark's scenario",
    )
    precision: Percent = Field(
        default=0.03,
        description="searches for a rate: how far the ends of the rate's interval may be from it, such as 3%",
    )
    budget: WrittenSeconds | None = Field(
        default=1200, description="tune-rate: time for all runs, such as 20m; null: as long as the precision takes"
    )
    probes: Several | None = Field(
        default=None, description="searches for a rate: the most probes of one; default: any number"
    )
    first_rate: Rate | None = Field(
        default=None,
        description="searches for a rate: of the first probe; default: from a run with a fixed number in flight",
    )
    loads: tuple[LoadShape, ...] = Field(default=(), description="bench: what the pacer drives, one run each")
    engine: EngineTuning = Field(default=EngineTuning(), description="tune-engine: what may be tried")
    compliance: tuple[Compliance, ...] = Field(default=(), description="official: compliance tests to add")
    project_samples: Count | None = Field(
        default=None, description="how long would this many samples take; in the report"
    )
    run_timeout_s: Seconds | None = Field(default=None, description="limit of one run; default: a generous one")
    stop_on_failure: bool = Field(default=False, description="skip what is left once a run doesn't complete")

    @model_validator(mode="after")
    def _points_make_sense(self) -> CampaignConfig:
        for points in (self.rates, self.concurrencies):
            if len(set(points)) != len(points):
                raise ValueError("rates and concurrencies must differ from each other; use repeats to measure again")
        return self

    @model_validator(mode="after")
    def _loads_end_by_themselves(self) -> CampaignConfig:
        if any(isinstance(shape, RateShape) and shape.until_sure for shape in self.loads):
            raise ValueError("loads: until_sure is what tune-rate's probes are; give requests or duration_s alone")
        return self


class Config(_Section):
    """`assay.yaml`."""

    name: str = Field(
        default="assay",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="of the campaign, in its folder's name and on its pages",
    )
    benchmark: BenchmarkName = Field(
        default="smollm2-135m", description="a built-in benchmark, or the path of your own"
    )
    scenarios: tuple[LoadgenDriven, ...] = Field(
        default=("Offline", "Server", "SingleStream"),
        min_length=1,
        description="what is driven, one run each: Offline, Server, Interactive, SingleStream",
    )
    modes: tuple[Mode, ...] = Field(
        default=("performance", "accuracy"),
        min_length=1,
        description="performance: timed; accuracy: answers are scored",
    )
    official: bool = Field(default=False, description="every setting from the rules: 600 s, all samples, seeds")
    dataset: DatasetConfig = DatasetConfig()
    tokenizer: LocalPath | None = Field(
        default=None, description="model folder with tokenizer.json; default: engine.model where it is a folder"
    )
    target_qps: dict[Scenario, Rate] = Field(default_factory=dict, description="Server: arrivals a second")
    queries: dict[Scenario, Count] = Field(
        default_factory=dict, description="short runs: queries; default: all samples"
    )
    engine: EngineOptions = Field(default=EmbeddedOptions(), description="what serves the model; default: embedded")
    cluster: ClusterOptions = Field(default=LocalOptions(), description="where servers run; default: this machine")
    load: LoadConfig = LoadConfig()
    loadgen: LoadgenConfig = LoadgenConfig()
    campaign: CampaignConfig = CampaignConfig()
    alerts: AlertOptions = AlertOptions()
    slo: Slo | None = Field(default=None, description="limits of a good answer; goodput is counted by them")
    currency: OneLine = Field(default="", max_length=16, description="of every cost_per_hour, as figures name it")
    output: Path = Field(default=Path("results"), description="campaign folders are made in it")

    @property
    def reach(self) -> Reach:
        """What the client brings to its connections."""
        return Reach(self.load.ca_file, self.load.connect_timeout_s)

    @model_validator(mode="before")
    @classmethod
    def _default_kinds(cls, data: Any) -> Any:
        """A section that doesn't say of which kind it is is of the default kind."""
        if not isinstance(data, dict):
            return data
        for section, tag, default in (("engine", "kind", "embedded"), ("cluster", "launcher", "local")):
            if isinstance(data.get(section), dict):
                data = data | {section: {tag: default} | data[section]}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.official and self.dataset.samples is not None:
            raise ValueError("dataset.samples can't go with official: the rules ask for all samples")
        if self.official and (self.dataset.synthetic or self.dataset.hub or self.dataset.sessions):
            raise ValueError("official runs take the benchmark's file: no dataset.synthetic, dataset.hub or sessions")
        if self.official and (self.queries or self.campaign.queries_per_node):
            raise ValueError("queries can't go with official: the rules set the count")
        return self


DEFAULTS: dict[str, Any] = {
    "name": "embedded",
    "benchmark": "smollm2-135m",
    "dataset": {"samples": 12},
    "target_qps": {"Server": 0.8},
    "queries": {"SingleStream": 8},
}


def load_config(path: Path | None, overrides: list[str] | None = None) -> Config:
    """Read `path` (None: the embedded default), apply `a.b=c` overrides, and check everything.

    Raises UserError with one message a mistake: file, line, field, what is wrong, what to do.
    """
    if path is None:
        data, source = {**DEFAULTS}, SourceMap.none("the default configuration")
    else:
        data, source = _read(path)
    for override in overrides or []:
        _apply(data, override, source)
    return _checked(data, source)


def config_of(settings: dict[str, Any], name: str) -> Config:
    """The configuration that `settings` make; `name` is what messages call their place. Raises UserError."""
    return _checked(settings, SourceMap.none(name))


def _checked(data: dict[str, Any], source: SourceMap) -> Config:
    if mistakes := unstorable(data, source):
        raise UserError("\n".join(mistakes))
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error, source, Config)) from None
    if places := list(truths_misread(data, config)):
        raise UserError("\n".join(mistake(source, place, NO_NUMBER) for place in places))
    return config


def _read(path: Path) -> tuple[dict[str, Any], SourceMap]:
    if not path.exists():
        raise UserError(f"{path}: no such file; `assay init` writes one")
    document = read_yaml(path)
    if document.data is None:
        raise UserError(f"{path}: says nothing; `assay init` writes a configuration to begin with")
    data = document.data
    if not isinstance(data, dict):
        raise UserError(f"{path}:1: expected `key: value` lines, found a {type(data).__name__}")
    return data, SourceMap.of(document.root, str(path))


def _apply(data: dict[str, Any], override: str, source: SourceMap) -> None:
    key, separator, text = override.partition("=")
    parts = key.strip().split(".")
    if not separator or not all(parts):
        raise UserError(f"--set {override}: write it as a.b=c")
    document = parse_yaml(text, f"--set {override}")
    place = data
    for number, part in enumerate(parts[:-1]):
        inner = place.get(part)
        if inner is None:
            inner = {}
        elif not isinstance(inner, dict):
            raise UserError(f"--set {override}: {'.'.join(parts[: number + 1])} is a value and holds no {parts[-1]!r}")
        place[part] = dict(inner)  # never write into a shared default
        place = place[part]
    place[parts[-1]] = document.data
    source.override(tuple(parts), f"--set {override}", document.root)


def dump_config(config: Config) -> str:
    """The resolved configuration as YAML. Secrets are named by their environment variables, so none is in it."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)  # escapes: NEL alone wouldn't come back
