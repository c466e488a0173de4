"""Ceilings: the tables are sound, the bounds are upper bounds, and they follow docs/ceilings.md's arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.analysis.ceilings import (
    Accelerator,
    ModelShape,
    Workload,
    accelerators,
    ceilings,
    combine,
    custom_accelerator,
    find_accelerator,
    find_model,
    model_names,
    precision_of,
    read_model_config,
    sample_flops,
    utilisation,
)
from assay.errors import UserError


def model(name: str) -> ModelShape:
    found = find_model(name)
    assert found is not None
    return found


def card(name: str) -> Accelerator:
    found = find_accelerator(name)
    assert found is not None
    return found


def test_the_table_has_every_figure_and_its_source() -> None:
    table = accelerators()
    assert len(table) >= 25
    assert len({item.name for item in table}) == len(table)
    for item in table:
        assert len(item.source) > 15
        assert "fp16" in item.tflops
        assert item.cache_mb < item.memory_gb * 1024
        speeds = [item.tflops[p] for p in ("fp32", "fp16", "fp8", "fp4") if p in item.tflops]
        assert speeds == sorted(speeds), item.name  # fewer bits are never slower


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NVIDIA A30", "NVIDIA A30"),
        ("NVIDIA H100 80GB HBM3", "NVIDIA H100 SXM"),
        ("NVIDIA H100 PCIe", "NVIDIA H100 PCIe"),
        ("NVIDIA H200-SXM-141GB-CTS", "NVIDIA H200"),
        ("HPE_Cray_XD670_H200_SXM_141GBx8_TRT", "NVIDIA H200"),
        ("XE8640_4xH100_vLLM", "NVIDIA H100 SXM"),
        ("2xL40S", "NVIDIA L40S"),
        ("NVIDIA L4", "NVIDIA L4"),
        ("NVIDIA A100-SXM4-40GB", "NVIDIA A100 40GB"),
        ("NVIDIA A10G", "NVIDIA A10"),
        ("Tesla T4", "NVIDIA T4"),
        ("8xMI300X_2xEPYC_9575F", "AMD Instinct MI300X"),
        ("GB200-NVL72_GB200-186GB_aarch64x4_TRT", "NVIDIA GB200"),
        ("NVIDIA B200", "NVIDIA B200"),
        ("Jetson-Thor_TRT", "NVIDIA Jetson Thor"),
        ("NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 4090"),
        ("Intel(R) Gaudi 3", "Intel Gaudi 3"),
    ],
)
def test_accelerators_are_found_by_the_names_that_they_go_by(text: str, name: str) -> None:
    assert card(text).name == name


@pytest.mark.parametrize("text", ["", "AMD EPYC 9654", "simulated", "NVIDIA", "Intel(R) Xeon(R) Processor"])
def test_what_names_no_accelerator_finds_none(text: str) -> None:
    assert find_accelerator(text) is None


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 8.03e9),
        ("llama3_1-8b-edge", 8.03e9),
        ("Llama-3.1-70B", 70.6e9),
        ("llama3.1-405b", 405.8e9),
        ("llama2-70b-99.9", 69.0e9),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", 134.5e6),
        ("SmolLM2-360M", 361.8e6),
        ("smollm2-1.7b", 1.71e9),
        ("mistralai/Mistral-7B-v0.3", 7.24e9),
        ("mixtral-8x7b", 46.7e9),
        ("Qwen/Qwen2.5-7B-Instruct", 7.62e9),
        ("Qwen2.5-72B", 72.7e9),
        ("gptj-99", 6.05e9),
    ],
)
def test_models_have_the_parameters_that_their_makers_state(text: str, parameters: float) -> None:
    assert model(text).stored_params == pytest.approx(parameters, rel=0.005)


def test_other_names_find_no_model() -> None:
    assert find_model("deepseek-r1") is None
    assert find_model("simulated") is None
    assert len(model_names()) >= 12


def test_a_config_json_gives_the_same_shape(tmp_path: Path) -> None:
    config = {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "tie_word_embeddings": False,
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    known = model("llama3.1-8b")
    assert read_model_config(path) == replace(known, name=tmp_path.name, source=str(path))


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"hidden_size": 1}'])
def test_a_config_that_is_none_is_a_users_mistake(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"config\.json"):
        read_model_config(path)


def test_an_accelerator_of_ones_own() -> None:
    own = {"name": "X", "memory_gb": 16, "bandwidth_gb_s": 100, "tflops": {"fp16": 10}}
    assert custom_accelerator(own, "claims.yaml").source == "given in claims.yaml"
    with pytest.raises(UserError, match="bandwidth_gb_s"):
        custom_accelerator({**own, "bandwidth_gb_s": -1}, "claims.yaml")


def test_names_of_precisions() -> None:
    names = {"bf16": "fp16", "torch.float16": "fp16", "W8A8": "int8", "AWQ": "fp4", "NVFP4": "fp4", "FP8 (E4M3)": "fp8"}
    assert {text: precision_of(text) for text in names} == names
    assert precision_of("best") is None
    assert precision_of(None) is None


def test_an_a30_by_hand() -> None:
    """docs/ceilings.md's example: Llama 3.1 8B, float16, 300 tokens in, 64 out."""
    shape = model("llama3.1-8b")
    layers = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336)
    head = 4096 * 128256
    assert shape.layer_params == layers
    work = Workload(300, 64, "fp16")
    flops = 2 * layers * (300 + 63) + 2 * head * 64
    assert sample_flops(shape, work) == flops
    bounds = ceilings(shape, combine([(card("A30"), 1)], "fp16"), work)
    assert bounds.limit == "arithmetic"
    assert bounds.samples_per_s == pytest.approx(165e12 * 1.15 / flops)
    weights, kv = (layers + head) * 2, 2 * 32 * 8 * 128 * (300 + 32)
    assert bounds.tpot_ns == pytest.approx((weights + kv - 25e6) / (933e9 * 1.15) * 1e9)


workloads = st.builds(
    Workload,
    input_tokens=st.floats(1, 5000),
    output_tokens=st.floats(1, 2000),
    precision=st.sampled_from(["fp32", "fp16", "fp8", "int8", "fp4", None]),
)
shapes = st.sampled_from([model(name) for name in model_names()])
cards = st.sampled_from(accelerators())


@given(shapes, cards, st.integers(1, 8), workloads)
def test_more_hardware_and_less_work_never_lower_a_ceiling(
    shape: ModelShape, item: Accelerator, count: int, work: Workload
) -> None:
    bounds = ceilings(shape, combine([(item, count)], work.precision), work)
    doubled = ceilings(shape, combine([(item, 2 * count)], work.precision), work)
    assert doubled.samples_per_s >= bounds.samples_per_s
    assert doubled.ttft_ns <= bounds.ttft_ns
    assert doubled.tpot_ns <= bounds.tpot_ns
    lighter = ceilings(
        shape, combine([(item, count)], work.precision), replace(work, input_tokens=work.input_tokens / 2)
    )
    assert lighter.samples_per_s >= bounds.samples_per_s * (1 - 1e-9)
    faster = ceilings(shape, combine([(item, count)], work.precision), replace(work, speculative_tokens=4.0))
    assert faster.samples_per_s >= bounds.samples_per_s


@given(shapes, cards, workloads)
def test_an_unknown_precision_has_the_highest_ceiling(shape: ModelShape, item: Accelerator, work: Workload) -> None:
    stated = ceilings(shape, combine([(item, 1)], work.precision), work)
    unknown = replace(work, precision=None)
    assert ceilings(shape, combine([(item, 1)], None), unknown).samples_per_s >= stated.samples_per_s * (1 - 1e-9)


@given(shapes, cards, workloads)
def test_at_the_ceiling_utilisation_is_the_margin_at_most(shape: ModelShape, item: Accelerator, work: Workload) -> None:
    hardware = combine([(item, 1)], work.precision)
    bounds = ceilings(shape, hardware, work)
    used = utilisation(shape, hardware, work, bounds.samples_per_s, bounds.batch)
    assert used.mfu <= hardware.margin * (1 + 1e-9)


def test_a_model_that_fits_in_the_cache_has_no_bandwidth_bound() -> None:
    big_cache = Accelerator(
        name="c", memory_gb=64, bandwidth_gb_s=10, cache_mb=1000, tflops={"fp16": 1}, source="s", measured=True
    )
    bounds = ceilings(model("smollm2-135m"), combine([(big_cache, 1)], "fp16"), Workload(500, 100, "fp16"))
    assert bounds.limit == "arithmetic"
    assert bounds.tpot_ns == 0


def test_weights_that_do_not_fit() -> None:
    bounds = ceilings(model("llama3.1-70b"), combine([(card("A30"), 1)], "fp16"), Workload(100, 100, "fp16"))
    assert not bounds.weights_fit
    assert bounds.batch == 1
