"""The `engine:` section of assay.yaml: what serves the model."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from assay.engines.embedded.options import ComputeOptions, Precision
from assay.errors import UserError
from assay.quantities import (
    MOST_TOKENS,
    AtOnce,
    Factor,
    Milliseconds,
    Price,
    Seconds,
    Seed,
    Several,
    Sigma,
    Tokens,
    Variable,
    Word,
)
from assay.runs.names import one_component
from assay.serving.api import ApiOptions
from assay.serving.connection import ConnectionOptions, base_url


class _Options(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        validate_default=True,  # a default is recorded as the very value that a resumed campaign reads
    )

    def only(self, nodes: Collection[str]) -> Self:
        """The same engine on some of its nodes."""
        return self


class _Served(_Options):
    """What every engine that assay starts has in common."""

    env: dict[Variable, str] = Field(default_factory=dict, description="no secrets here: this is written to results")
    pass_env: tuple[Variable, ...] = Field(default=(), description="variables handed on by name, for secrets")
    port: int = Field(default=0, ge=0, le=65535, description="of the first server on a node; 0: a free one")
    image: Word | None = Field(default=None, description="container image; default: the cluster's")
    ready_timeout_s: Seconds = Field(default=600, description="longest start of a server, loading its model included")


class VllmOptions(_Served):
    """vLLM. Prefix caching is off unless asked for: it answers a repeated prompt from memory."""

    kind: Literal["vllm"]
    model: str = Field(description="folder on the node, or Hugging Face name")
    served_model_name: str | None = Field(default=None, description="default: model")
    tensor_parallel: Several = Field(default=1, description="accelerators over which each layer is split")
    pipeline_parallel: Several = Field(
        default=1, description="stages, each on accelerators of its own, that layers are spread over"
    )
    data_parallel: Several = Field(default=1, description="copies of the model behind one server")
    dtype: str = Field(default="auto", description="type of weights and activations; auto: the model's own")
    quantization: str | None = Field(
        default=None, description="how weights are quantised, as vLLM names it; default: as the model says"
    )
    kv_cache_dtype: str = Field(default="auto", description="type of the KV cache; auto: the model's own")
    load_format: str = Field(
        default="auto", description="how weights are read, as vLLM names it; auto: by what the folder holds"
    )
    max_num_seqs: AtOnce = Field(default=256, description="requests in a batch at most")
    max_num_batched_tokens: Tokens | None = Field(
        default=None, description="tokens in a step at most; default: vLLM's own"
    )
    chunked_prefill: bool | None = Field(
        default=None, description="whether a long prompt may be read in several steps; default: vLLM's own choice"
    )
    stream_interval: Tokens | None = Field(default=None, description="tokens of a chunk; default: vLLM's own, 1")
    max_model_len: Tokens | None = Field(
        default=None, description="tokens of a prompt and its answer at most; default: the model's own"
    )
    gpu_memory_utilization: float = Field(
        default=0.9, gt=0, le=1, description="share of an accelerator's memory that vLLM takes"
    )
    prefix_caching: bool = Field(default=False, description="answer repeated prompts from memory; noted in results")
    enforce_eager: bool = Field(default=False, description="true: no CUDA graphs; slower, starts sooner")
    python: str | None = Field(default=None, description="interpreter that has vLLM; default: the node's")
    window: AtOnce | None = Field(default=None, description="requests in flight; default: max_num_seqs")
    extra_args: tuple[str, ...] = Field(default=(), description="more arguments of vLLM's server, as they are")


class EmbeddedOptions(_Served):
    """The engine that comes with assay: a small real model on CPU cores."""

    kind: Literal["embedded"] = "embedded"
    precision: Precision = Field(
        default="auto",
        description="of arithmetic and KV cache; f32 is slower and gives the same tokens at any concurrency; "
        "auto: bf16 where a node's CPU has it, else f32",
    )
    threads: int = Field(default=0, ge=0, le=1024, description="0: as many as the engine chooses")
    cache_gb: Several = Field(default=2, description="GiB of KV cache")
    max_num_seqs: AtOnce = Field(default=256, description="requests in a batch at most")
    max_num_batched_tokens: Tokens = Field(default=512, description="tokens in a step at most")
    window: AtOnce = Field(default=32, description="requests in flight")
    ready_timeout_s: Seconds = Field(default=180, description="longest start of a server, loading its model included")

    @model_validator(mode="after")
    def _one_thread(self) -> EmbeddedOptions:
        if self.threads == 1 and (refusal := ComputeOptions(self.precision, self.threads).refusal(1, bf16=True)):
            raise ValueError(f"threads: 1: {refusal}")
        return self


class ExternalEndpoint(ConnectionOptions):
    """A server that already runs. What isn't said of its connection is said of the engine's."""

    url: str = Field(description="scheme, host, port and base path, with or without an ending /v1")
    name: str = Field(default="", description="default: host-port")
    node: str = Field(default="", description="which node it is on; default: its host")
    accelerators: tuple[str, ...] = Field(default=(), description="their names, as you know them")
    cost_per_hour: Price | None = Field(default=None, description="of what serves it, busy or not")

    @field_validator("name", "node")
    @classmethod
    def _plain(cls, name: str) -> str:
        return one_component(name) if name else name

    @field_validator("url")
    @classmethod
    def _base(cls, url: str) -> str:
        return base_url(url)


class ExternalOptions(ConnectionOptions):
    """Servers that assay neither starts nor stops."""

    kind: Literal["external"]
    endpoints: tuple[ExternalEndpoint, ...] = Field(min_length=1)
    model: str = Field(description="the name under which it is served")
    server: Literal["vllm", "sglang", "tensorrt-llm", "llama.cpp", "other"] = Field(
        default="other", description="what serves, so that its metrics are understood"
    )
    window: AtOnce | None = Field(
        default=None, description="requests in flight at one endpoint; default: found during warm-up"
    )
    api: ApiOptions = ApiOptions()
    check_model: bool = Field(default=True, description="false: don't ask /v1/models what is served")
    ready_timeout_s: Seconds = Field(default=10, description="how long an endpoint may take to answer before the run")
    cost_per_hour: Price | None = Field(default=None, description="of all endpoints together, instead of each one's")

    @model_validator(mode="after")
    def _one_price(self) -> ExternalOptions:
        if self.cost_per_hour is not None and any(one.cost_per_hour is not None for one in self.endpoints):
            raise ValueError("cost_per_hour: give that of all endpoints together or that of each one, not both")
        return self

    def named(self) -> tuple[ExternalEndpoint, ...]:
        """The endpoints with names and nodes filled in. Raises UserError on a name twice."""
        filled = []
        for endpoint in self.endpoints:
            parts = urlsplit(endpoint.url)
            name = endpoint.name or f"{parts.hostname}-{parts.port or parts.scheme}"
            filled.append(endpoint.model_copy(update={"name": name, "node": endpoint.node or str(parts.hostname)}))
        names = [endpoint.name for endpoint in filled]
        if len(set(names)) != len(names):
            raise UserError(f"engine.endpoints: each needs a name of its own, these are {', '.join(names)}")
        return tuple(filled)

    def only(self, nodes: Collection[str]) -> Self:
        """The endpoints on some of the nodes."""
        return self.model_copy(update={"endpoints": tuple(one for one in self.named() if one.node in nodes)})


class SimulatedOptions(_Served):
    """A server that waits instead of computing. Its results are marked simulated everywhere."""

    kind: Literal["simulated"]
    model: str = Field(default="simulated", description="the name under which it is served")
    window: AtOnce = Field(default=64, description="requests in flight")
    ttft_ms: Milliseconds = Field(default=0, description="from admission to the first token")
    ttft_per_prompt_token_ms: Milliseconds = Field(
        default=0, description="added to ttft_ms for each token of the prompt"
    )
    itl_ms: Milliseconds = Field(default=0, description="between the tokens of a request that runs alone")
    itl_per_seq_ms: Milliseconds = Field(default=0, description="added for each running request")
    tokens_per_step: Tokens = Field(default=1, description="tokens that come at once")
    jitter: Sigma = Field(default=0, description="sigma of the log-normal factor on every interval")
    cold_factor: float = Field(
        default=1, ge=1, le=1e6, description="how much longer the first interval at a batch size takes"
    )
    cold_intervals: int = Field(
        default=0, ge=0, le=10**9, description="intervals at a batch size until it is warm there"
    )
    max_num_seqs: AtOnce = Field(default=1024, description="requests in a batch at most")
    kv_tokens: int = Field(
        default=0, ge=0, le=10**12, description="tokens that running requests hold together; 0: no limit"
    )
    output_tokens: int = Field(
        default=0, ge=0, le=MOST_TOKENS, description="tokens until the end of sequence; 0: max_tokens"
    )
    output_sigma: Sigma = Field(default=0, description="sigma of the log-normal factor on output_tokens")
    seed: Seed = Field(default=0, description="of its random numbers")
    speeds: dict[str, Factor] = Field(default_factory=dict, description="node: speed factor; others run at 1.0")
    faults: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="node: faults as the simulator's --fault takes them"
    )
    truth: Path | None = Field(
        default=None, description="folder on the nodes in which each server writes what it did and when"
    )
    ready_timeout_s: Seconds = Field(default=30, description="longest start of a server")

    def only(self, nodes: Collection[str]) -> Self:
        speeds = {node: speed for node, speed in self.speeds.items() if node in nodes}
        faults = {node: fault for node, fault in self.faults.items() if node in nodes}
        return self.model_copy(update={"speeds": speeds, "faults": faults})


EngineOptions = Annotated[
    VllmOptions | EmbeddedOptions | ExternalOptions | SimulatedOptions, Field(discriminator="kind")
]
