"""The accelerators and models that are known by name, and models read from a config.json."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.errors import UserError
from assay.plain_files import plain
from assay.safe_yaml import read_yaml

GIB = 1 << 30
BYTES_PER_WEIGHT = {"fp32": 4.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5}
_PRECISIONS = {
    "fp32": ("fp32", "float32", "f32", "tf32"),
    "fp16": ("fp16", "float16", "half", "f16", "bf16", "bfloat16", "w16a16"),
    "fp8": ("fp8", "float8", "e4m3", "e5m2", "f8", "w8a8fp8"),
    "int8": ("int8", "i8", "w8a8", "q8", "q8_0"),
    "fp4": (
        "fp4",
        "nvfp4",
        "mxfp4",
        "int4",
        "w4a16",
        "w4a8",
        "w4a4",
        "awq",
        "gptq",
        "q4",
        "q4_0",
        "q4_k_m",
        "u4",
        "i4",
    ),
}


Size = Annotated[float, Field(gt=1e-6, lt=1e12)]


class Accelerator(BaseModel):
    """One product's printed (or measured) limits. `tflops` holds dense 10^12 operations a second by precision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    match: str = ""
    memory_gb: Size
    bandwidth_gb_s: Size
    cache_mb: float = Field(default=0, ge=0, le=1e9)
    tflops: dict[str, Size] = Field(min_length=1)
    source: str
    measured: bool = Field(default=False, description="from a micro-benchmark: not an upper bound of the hardware")

    @property
    def memory_bytes(self) -> float:
        return self.memory_gb * GIB

    @property
    def bandwidth(self) -> float:
        """Bytes a second."""
        return self.bandwidth_gb_s * 1e9

    @property
    def cache_bytes(self) -> float:
        return self.cache_mb * 1e6

    def flops(self, precision: str | None) -> float:
        """Operations a second at a precision; the fastest of all where it is None or not in the table."""
        return self.tflops.get(precision or "", max(self.tflops.values())) * 1e12


@dataclass(frozen=True)
class ModelShape:
    """What the ceilings need of a dense or mixture-of-experts decoder.

    `layer_params` are the weights that multiply every token (attention, MLP, of a mixture the experts chosen);
    `all_layer_params` count every expert; `head_params` is the output projection; `kv_values` the numbers that the
    KV cache holds a token.
    """

    name: str
    layer_params: float
    all_layer_params: float
    head_params: float
    embedding_params: float
    kv_values: float
    source: str

    @property
    def stored_params(self) -> float:
        """Weights that memory must hold. Tied embeddings are one matrix."""
        return self.all_layer_params + self.head_params + self.embedding_params


def precision_of(text: str | None) -> str | None:
    """fp32, fp16, fp8, int8 or fp4 for the many names they have; None where the text names none of them.

    bf16 counts as fp16 (the same size and, on every accelerator here, the same speed); all four-bit formats as fp4.
    """
    words = set(re.split(r"[^a-z0-9_]+", text.lower())) if text else set()
    for precision, names in _PRECISIONS.items():
        if words.intersection(names):
            return precision
    return None


def find_accelerator(text: str) -> Accelerator | None:
    """The product that a description such as "NVIDIA H200-SXM-141GB" or "8xMI300X" names; None if none is known."""
    spaced = re.sub(r"[_\s]+", " ", text.lower())
    spaced = re.sub(r"\b(\d+)x(?=[a-z])", r"\1x ", spaced)  # 8xMI300X
    spaced = re.sub(r"x(\d+)\b", r" x\1", spaced)  # 141GBx8, RTX4090x2
    return next((item for item in accelerators() if re.search(item.match, spaced)), None)


def find_model(text: str) -> ModelShape | None:
    """The model that a name such as "meta-llama/Llama-3.1-8B-Instruct" means; None if none is known."""
    for entry in _model_table():
        if re.search(entry["match"], text.lower()):
            return model_from_config(entry, entry["name"], "the model's published config.json")
    return None


def read_model_config(path: Path) -> ModelShape:
    """The shape in a Hugging Face config.json. Raises UserError where it can't be read or lacks a size."""
    try:
        return model_from_config(json.loads(plain(path).read_text()), path.parent.name, str(path))
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: isn't a language model's config.json: {error!r}") from None


def model_from_config(config: dict[str, Any], name: str, source: str) -> ModelShape:
    """The shape from the keys of a config.json. Raises KeyError for a missing size."""
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or hidden // heads
    attention = 2 * hidden * heads * head_dim + 2 * hidden * kv_heads * head_dim
    expert = (
        config.get("mlp_matrices", 3) * hidden * (config.get("moe_intermediate_size") or config["intermediate_size"])
    )
    experts = config.get("num_local_experts") or config.get("num_experts") or config.get("n_routed_experts") or 1
    chosen = config.get("num_experts_per_tok") or 1
    head = config["vocab_size"] * hidden
    return ModelShape(
        name=name,
        layer_params=layers * (attention + min(chosen, experts) * expert),
        all_layer_params=layers * (attention + experts * expert),
        head_params=head,
        embedding_params=0 if config.get("tie_word_embeddings") else head,
        kv_values=2 * layers * kv_heads * head_dim,
        source=source,
    )


@cache
def accelerators() -> tuple[Accelerator, ...]:
    """Every accelerator of the table, in the order in which names are matched."""
    return tuple(Accelerator.model_validate(entry) for entry in _yaml("accelerators.yaml"))


def model_names() -> tuple[str, ...]:
    return tuple(entry["name"] for entry in _model_table())


def custom_accelerator(data: dict[str, Any], where: str) -> Accelerator:
    """An accelerator that a user describes. Raises UserError naming the field that is wrong."""
    try:
        return Accelerator.model_validate({"source": f"given in {where}", **data})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{where}: accelerator: {place}: {first['msg']}") from None


@cache
def _model_table() -> tuple[dict[str, Any], ...]:
    return tuple(_yaml("models.yaml"))


def _yaml(name: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = read_yaml(Path(__file__).with_name(name)).data
    return data
