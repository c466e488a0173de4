"""What the simulator is told: speed, limits, output lengths, faults."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints

from assay.errors import UserError
from assay.quantities import NO_NUMBER


class FaultKind(StrEnum):
    """What can go wrong on purpose. Those in the middle of a reply happen after half of its tokens."""

    DIE = "die"
    """The process exits."""
    HANG = "hang"
    """Nothing more is sent; the connection stays. Goes on at the end of the fault, if it has one."""
    SLOW = "slow"
    """All intervals take `factor` times as long."""
    COLD_START = "cold_start"
    """Slow for the first `for` seconds."""
    ERROR_500 = "error_500"
    ERROR_429 = "error_429"
    RESET = "reset"
    """RST in the middle of the reply."""
    HALF_CLOSE = "half_close"
    """FIN in the middle of the reply."""
    GARBAGE = "garbage"
    """Bytes that aren't HTTP in the middle of the reply."""
    MALFORMED_SSE = "malformed_sse"
    """An event that isn't JSON in the middle of the reply."""
    EMPTY = "empty"
    """A proper reply without a token."""
    SHORT_COUNT = "short_count"
    """The usage says one token more than was sent."""
    CORRUPT = "corrupt"
    """A proper reply with other tokens, as from a card that computes wrongly. Which prompts it hits is drawn from the
    seed, not from their order: the same prompt is hit each time."""
    REFUSE = "refuse"
    """Nothing listens; open connections go on."""


_LAST_PORT = 65535
_FAULT_KEYS = {"kind": "kind", "at": "at_s", "after": "after", "for": "for_s", "p": "p", "factor": "factor"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and when it begins: `at_s` after the start or, if `after` is set, with the request after that many."""

    kind: FaultKind
    at_s: float = 0.0
    after: int = 0
    for_s: float = float("inf")
    """How long it goes on."""
    p: float = 1.0
    """The share of requests that it hits, drawn from the seed."""
    factor: float = 5.0
    """For slow and cold_start."""

    def __post_init__(self) -> None:
        if self.at_s and self.after:
            raise UserError(f"fault {self.kind}: give at or after, not both")
        if self.at_s < 0 or self.after < 0 or self.for_s <= 0 or not 0 < self.p <= 1 or self.factor <= 0:
            raise UserError(f"fault {self.kind}: at and after must be >= 0, for and factor > 0, 0 < p <= 1")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Reads `kind=hang,at=5,for=2,p=0.1`; `hang` alone is enough."""
        fields: dict[str, Any] = {}
        for item in text.split(","):
            key, equals, value = item.partition("=")
            fields.update({key.strip(): value.strip()} if equals else {"kind": key.strip()})
        return cls.from_fields(fields)

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Fault:
        """From the keys kind, at, after, for, p, factor. Raises `UserError` for others."""
        unknown = set(fields) - set(_FAULT_KEYS)
        if unknown or fields.get("kind") not in list(FaultKind):
            raise UserError(
                f"can't read the fault {fields}: write kind=K[,at=SECONDS][,after=REQUESTS][,for=SECONDS][,p=SHARE]"
                f"[,factor=F], where K is one of {', '.join(FaultKind)}"
            )
        try:
            values = {_FAULT_KEYS[key]: float(value) for key, value in fields.items() if key != "kind"}
        except (TypeError, ValueError):
            raise UserError(f"can't read the fault {fields}: all values but kind are numbers") from None
        return cls(FaultKind(fields["kind"]), **{**values, "after": int(values.get("after", 0))})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """A simulated server. Token k of a request is due at admission + TTFT + k * ITL, whatever came before."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0: any free port, written to `port_file`."""
    port_file: Path | None = None
    """Gets one port a line, once all endpoints listen."""
    processes: int = 1
    endpoints_per_process: int = 1
    """All endpoints have consecutive ports and share nothing but their process."""
    one_port: bool = False
    """All processes are one endpoint: they share its port, and the kernel deals its connections out among them."""
    model: str = "simulated"
    seed: int = 0
    speed: tuple[float, ...] = (1.0,)
    """Divides every interval; one for all endpoints or one for each."""
    ttft_ms: float = 0.0
    """From admission to the first token."""
    ttft_per_prompt_token_ms: float = 0.0
    itl_ms: float = 0.0
    """Between tokens of one request when it runs alone; the batching curve's constant term."""
    itl_per_seq_ms: float = 0.0
    """Added for each running request: the batching curve's slope."""
    tokens_per_step: int = 1
    """Tokens in one chunk."""
    jitter: float = 0.0
    """Sigma of the log-normal factor, of mean 1, on every interval."""
    cold_factor: float = 1.0
    """How much longer the first interval at a batch size takes; see `cold_intervals`."""
    cold_intervals: int = 0
    """After so many intervals at a batch size, rounded up to a power of two, the server is warm there."""
    max_num_seqs: int = 1024
    """Requests that run at a time; others queue."""
    kv_tokens: int = 0
    """Prompt and output tokens of running requests together; beyond it the newest is preempted. 0: no limit."""
    output_tokens: int = 0
    """Tokens until the end-of-sequence token, unless max_tokens is less or ignore_eos is set. 0: max_tokens."""
    output_sigma: float = 0.0
    """Sigma of a log-normal distribution of output lengths around the mean `output_tokens`."""
    faults: tuple[Fault, ...] = ()
    truth: Path | None = None
    """Gets one JSON line a request with its true times; `.1`, `.2`, … are added for further endpoints."""
    truth_tokens: bool = False
    """Truth has the time of each token."""
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and value < 0:
                raise UserError(f"simulator: {field.name} must not be negative, but is {value}")
        for name in ("processes", "endpoints_per_process", "tokens_per_step", "max_num_seqs"):
            if getattr(self, name) < 1:
                raise UserError(f"simulator: {name} must be at least 1")
        if self.cold_factor < 1:
            raise UserError(f"simulator: cold_factor must be at least 1, but is {self.cold_factor:g}")
        if self.one_port and self.endpoints_per_process > 1:
            raise UserError("simulator: with one_port all processes are one endpoint: leave endpoints_per_process out")
        if len(self.speed) not in (1, self.endpoints) or min(self.speed) <= 0:
            raise UserError(f"simulator: speed must be one number above 0, or {self.endpoints}, one an endpoint")
        if self.port and self.port + self.endpoints - 1 > _LAST_PORT:
            raise UserError(f"simulator: {self.endpoints} ports from {self.port} on go beyond {_LAST_PORT}")

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> SimulatorConfig:
        """From a YAML file's keys or a command line's options. Raises `UserError` for what doesn't fit."""
        types = get_type_hints(cls)
        unknown = sorted(set(fields) - set(types))
        if unknown:
            raise UserError(f"simulator: unknown option {', '.join(unknown)}; there are {', '.join(types)}")
        return cls(**{name: _converted(name, value) for name, value in fields.items()})

    @property
    def endpoints(self) -> int:
        """Of all processes."""
        return self.processes * self.endpoints_per_process

    def of_process(self, index: int) -> list[SimulatorConfig]:
        """The configuration of each endpoint of one of the processes."""
        first = index * self.endpoints_per_process
        return [self._of_endpoint(number) for number in range(first, first + self.endpoints_per_process)]

    def _of_endpoint(self, index: int) -> SimulatorConfig:
        truth = self.truth
        return dataclasses.replace(
            self,
            processes=1,
            endpoints_per_process=1,
            port=self.port + index if self.port and not self.one_port else self.port,
            speed=(self.speed[index % len(self.speed)],),
            truth=truth.with_name(f"{truth.name}.{index}") if truth and index else truth,
            seed=self.seed + index,
        )


_PATHS = ("port_file", "truth", "tls_cert", "tls_key")
_COUNTS = (
    "port",
    "processes",
    "endpoints_per_process",
    "seed",
    "tokens_per_step",
    "cold_intervals",
    "max_num_seqs",
    "kv_tokens",
    "output_tokens",
)


_SWITCHES = ("truth_tokens", "one_port")


def _converted(name: str, value: Any) -> Any:
    if name in _SWITCHES and not isinstance(value, bool):
        raise UserError(f"simulator: {name} must be true or false (found {value!r})")
    if name not in _SWITCHES and _says_true_or_false(value):
        raise UserError(f"simulator: {name} {NO_NUMBER}")
    try:
        if name in _PATHS:
            return None if value is None else Path(value)
        if name == "speed":
            return tuple(float(item) for item in (value if isinstance(value, list | tuple) else [value]))
        if name == "faults":
            return tuple(
                item
                if isinstance(item, Fault)
                else Fault.parse(item)
                if isinstance(item, str)
                else Fault.from_fields(item)
                for item in value
            )
        if name in ("host", "model"):
            return str(value)
        if name in _SWITCHES:
            return value
        return int(value) if name in _COUNTS else float(value)
    except (TypeError, ValueError):
        raise UserError(f"simulator: {name} can't be {value!r}") from None


def _says_true_or_false(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return isinstance(value, bool) or any(_says_true_or_false(one) for one in inner)
