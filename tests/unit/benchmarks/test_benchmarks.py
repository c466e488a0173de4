"""Benchmarks are found, checked, and say what MLPerf says."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from tests.paths import shared_data

from assay.benchmarks import Benchmark, benchmark_json_schema, benchmark_names, get_benchmark
from assay.errors import UserError


def as_yaml(tmp_path: Path, **changes: object) -> Path:
    """A user's file: a built-in benchmark with other values."""
    data = get_benchmark("smollm2-135m").model_dump(mode="json")
    data.update(changes)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_the_package_lists_its_modules() -> None:
    assert benchmark_names() == (
        "deepseek-r1", "gpt-oss-120b", "llama2-70b", "llama3.1-405b", "llama3.1-8b", "llama3.1-8b-edge", "own-prompts",
        "smollm2-135m",
    )  # fmt: skip


def test_limits_are_the_rules() -> None:
    llama = get_benchmark("llama3.1-8b")
    limits = {name: (spec.ttft_limit_ns, spec.tpot_limit_ns) for name, spec in llama.scenarios.items()}
    assert limits == {
        "Offline": (None, None),
        "Server": (2_000_000_000, 100_000_000),
        "Interactive": (500_000_000, 30_000_000),
    }
    assert llama.scenarios["Interactive"].loadgen_model == "llama3_1-8b-interactive"
    assert llama.scenarios["Interactive"].loadgen_scenario == "Server"
    assert (llama.min_new_tokens, llama.max_new_tokens) == (1, 128)


def test_both_llamas_are_scored_alike() -> None:
    datacenter, edge = get_benchmark("llama3.1-8b"), get_benchmark("llama3.1-8b-edge")
    alike = ("starting_weights", "prompt_template", "use_chat_template", "clean_up_spaces", "stop_token_ids")
    assert [getattr(datacenter, field) for field in alike] == [getattr(edge, field) for field in alike]
    assert datacenter.clean_up_spaces
    assert not get_benchmark("smollm2-135m").clean_up_spaces


@pytest.mark.parametrize(
    "logs",
    [
        "closed/HPE/results/HPE_Cray_XD670_H200_SXM_141GBx8_TRT/llama3.1-8b/Interactive",
        "closed/RedHat/results/XE8640_4xH100_vLLM/llama3.1-8b/Server",
        "closed/RedHat/results/XE8640_4xH100_vLLM/llama3.1-8b/Offline",
        "open/NVIDIA/results/Jetson-Thor_TRT/llama3.1-8b-edge/SingleStream",
    ],
)
def test_published_logs_ran_with_these_settings(logs: str) -> None:
    folder = shared_data() / "mlperf_v5.1" / logs
    benchmark = get_benchmark(folder.parent.name)
    spec = benchmark.scenarios[folder.name]  # type: ignore[index]
    text = (folder / "performance/run_1/mlperf_log_detail.txt").read_text()
    logged = dict(re.findall(r'"key": "(effective_\w+|requested_\w+|qsl_reported_\w+)", "value": ([^,]+)', text))
    assert json.loads(logged["effective_scenario"]) == spec.loadgen_scenario
    assert int(logged["effective_min_duration_ms"]) * 1_000_000 >= spec.min_duration_ns
    assert int(logged["qsl_reported_performance_count"]) == benchmark.dataset.performance_sample_count
    if spec.ttft_limit_ns:
        assert int(logged["requested_server_ttft_latency"]) == spec.ttft_limit_ns
        assert int(logged["requested_server_tpot_latency"]) == spec.tpot_limit_ns


def test_a_prompt_keeps_the_article_as_it_is() -> None:
    article = "Costs {rose} by 5 %.\n\n{article} "
    assert get_benchmark("llama3.1-8b").prompt(article) == (
        "Summarize the following article:\n\nCosts {rose} by 5 %.\n\n{article} \n\nSummary:"
    )


def test_a_users_file_is_a_benchmark(tmp_path: Path) -> None:
    path = as_yaml(tmp_path, name="mine", max_new_tokens=64)
    for given in (path, str(path)):
        found = get_benchmark(given)
        assert isinstance(found, Benchmark)
        assert (found.name, found.max_new_tokens) == ("mine", 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_new_tokens": -1}, r"mine\.yaml: max_new_tokens: input should be greater than or equal to 1"),
        ({"max_new_tokens": 9000}, "needs min_new_tokens <= max_new_tokens < context_limit"),
        ({"prompt_template": "Summarise it."}, r"prompt_template: must contain \{article\} once"),
        ({"promt": "x"}, "promt: extra inputs are not permitted"),
        ({"scenarios": {"Batch": {}}}, "scenarios.Batch"),
        (
            {"scenarios": {"Server": {"loadgen_scenario": "Server", "min_duration_ns": 1, "min_query_count": 1}}},
            r"scenarios\.Server: ttft_limit_ns and tpot_limit_ns are needed",
        ),
        ({"quality": {"samples": 4, "source": "x"}}, r"quality\.targets: field required"),
        (
            {"quality": {"targets": {"words": [5, 1]}, "samples": 4, "source": "x"}},
            r"quality: targets\.words: the least, 5, is above the most, 1",
        ),
        ({"quality": {"targets": {"words": [None, None]}, "samples": 4, "source": "x"}}, "needs a least or a most"),
        ({"scorer": None}, "quality needs a scorer"),
        ({"scored_with": "grade.py"}, "give scorer or scored_with, and not both"),
        ({"name": "My benchmark"}, "name: string should match"),
    ],
)
def test_a_mistake_names_file_and_field(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        get_benchmark(as_yaml(tmp_path, **changes))


@pytest.mark.parametrize(("text", "message"), [("- a\n", "expected fields"), ("a: [", "not YAML"), ("", "expected")])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        get_benchmark(path)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UserError, match=r"'llama' is not known\. Give one of deepseek-r1, .* or the path"):
        get_benchmark("llama")
    with pytest.raises(UserError, match="No such file"):
        get_benchmark("absent.yaml")


def test_the_published_schema_is_the_models_own() -> None:
    published = json.loads(files("assay.benchmarks").joinpath("benchmark.schema.json").read_text())
    assert published == benchmark_json_schema(), "write it again: see benchmark_json_schema"


def test_llama2_70b_is_mlperfs() -> None:
    """The figures of the submission checker of v6.1, typed here a second time."""
    llama = get_benchmark("llama2-70b")
    assert llama.mlperf
    limits = {name: (spec.ttft_limit_ns, spec.tpot_limit_ns) for name, spec in llama.scenarios.items()}
    assert limits["Server"] == (2_000_000_000, 200_000_000)
    assert limits["Interactive"] == (450_000_000, 40_000_000)
    assert [spec.loadgen_model for spec in llama.scenarios.values()] == [
        "llama2-70b", "llama2-70b", "llama2-70b-interactive",
    ]  # fmt: skip
    assert llama.dataset.total_sample_count == llama.dataset.performance_sample_count == 24_576
    assert {spec.min_query_count for spec in llama.scenarios.values()} == {24_576}
    quality = llama.quality
    assert quality is not None
    expected = {
        "rouge1": (44.4312 * 0.999, None),
        "rouge2": (22.0352 * 0.999, None),
        "rougeL": (28.6162 * 0.999, None),
        "tokens_per_sample": (294.45 * 0.9, 294.45 * 1.1),
    }
    assert quality.targets.keys() == expected.keys()
    for metric, bounds in expected.items():
        assert quality.targets[metric] == pytest.approx(bounds)


def test_deepseek_r1_is_mlperfs() -> None:
    """The figures of the submission checker of v6.1 and of the reference, typed here a second time."""
    deepseek = get_benchmark("deepseek-r1")
    assert deepseek.mlperf
    limits = {name: (spec.ttft_limit_ns, spec.tpot_limit_ns) for name, spec in deepseek.scenarios.items()}
    assert limits == {
        "Offline": (None, None),
        "Server": (2_000_000_000, 80_000_000),
        "Interactive": (1_500_000_000, 15_000_000),
    }
    assert [spec.loadgen_model for spec in deepseek.scenarios.values()] == [
        "deepseek-r1", "deepseek-r1", "deepseek-r1-interactive",
    ]  # fmt: skip
    assert deepseek.dataset.total_sample_count == deepseek.dataset.performance_sample_count == 4_388
    assert {spec.min_query_count for spec in deepseek.scenarios.values()} == {4_388}
    assert {spec.min_duration_ns for spec in deepseek.scenarios.values()} == {600_000_000_000}
    assert (deepseek.max_new_tokens, deepseek.stop_token_ids, deepseek.use_chat_template) == (20_000, (1,), True)
    assert deepseek.scorer is None
    quality = deepseek.quality
    assert quality is not None
    assert quality.samples == 4_388
    assert quality.targets["exact_match"] == (pytest.approx(81.3582 * 0.99), None)
    assert quality.targets["tokens_per_sample"] == pytest.approx((3886.2274 * 0.9, 3886.2274 * 1.1))


def test_gpt_oss_120b_is_mlperfs() -> None:
    """The figures of the submission checker of v6.1 and of the reference, typed here a second time."""
    gpt = get_benchmark("gpt-oss-120b")
    assert gpt.mlperf
    limits = {name: (spec.ttft_limit_ns, spec.tpot_limit_ns) for name, spec in gpt.scenarios.items()}
    assert limits == {
        "Offline": (None, None),
        "Server": (3_000_000_000, 80_000_000),
        "Interactive": (2_000_000_000, 15_000_000),
    }
    assert [spec.loadgen_model for spec in gpt.scenarios.values()] == [
        "gpt-oss-120b", "gpt-oss-120b", "gpt-oss-120b-interactive",
    ]  # fmt: skip
    assert {spec.min_query_count for spec in gpt.scenarios.values()} == {6_396}
    assert gpt.sampling is not None
    assert (gpt.sampling.temperature, gpt.sampling.top_p) == (1, 1)
    timed, scored = gpt.in_mode("performance"), gpt.in_mode("accuracy")
    assert (timed.dataset.total_sample_count, timed.max_new_tokens) == (6_396, 10_240)
    assert (scored.dataset.total_sample_count, scored.max_new_tokens) == (4_395, 32_768)
    assert scored.in_mode("accuracy") == scored
    tested = gpt.in_mode("performance", "TEST07")
    assert (tested.dataset.total_sample_count, tested.max_new_tokens) == (990, 10_240)
    assert gpt.in_mode("performance", "TEST09") == gpt
    assert gpt.quality is not None
    assert gpt.quality.samples == 4_395
    assert gpt.quality.targets == {"exact_match": (pytest.approx(83.13 * 0.99), None)}


def test_llama3_1_405b_is_mlperfs() -> None:
    """The figures of the submission checker of v6.0, which was the last to have it, typed here a second time."""
    llama = get_benchmark("llama3.1-405b")
    assert llama.mlperf
    limits = {name: (spec.ttft_limit_ns, spec.tpot_limit_ns) for name, spec in llama.scenarios.items()}
    assert limits == {
        "Offline": (None, None),
        "Server": (6_000_000_000, 175_000_000),
        "Interactive": (4_500_000_000, 80_000_000),
    }
    assert [spec.loadgen_model for spec in llama.scenarios.values()] == [
        "llama3_1-405b", "llama3_1-405b", "llama3_1-405b-interactive",
    ]  # fmt: skip
    assert llama.dataset.total_sample_count == llama.dataset.performance_sample_count == 8_313
    assert {spec.min_query_count for spec in llama.scenarios.values()} == {8_313}
    assert (llama.max_new_tokens, llama.stop_token_ids) == (2_000, (128_001, 128_008, 128_009))
    quality = llama.quality
    assert quality is not None
    assert quality.source.startswith("submission checker of MLPerf Inference v6.0 (")
    assert quality.targets.keys() == {"rougeL", "exact_match", "tokens_per_sample"}
    assert quality.targets["rougeL"] == (pytest.approx(21.6666 * 0.99), None)
    assert quality.targets["exact_match"] == (pytest.approx(90.1335 * 0.99), None)
    assert quality.targets["tokens_per_sample"] == pytest.approx((684.68 * 0.9, 684.68 * 1.1))


def test_a_benchmark_whose_runs_have_the_same_samples_is_the_same_in_every_mode() -> None:
    llama = get_benchmark("llama3.1-8b")
    assert llama.in_mode("accuracy") == llama.in_mode("performance") == llama


def test_a_benchmark_needs_no_template_no_accuracy_and_no_targets(tmp_path: Path) -> None:
    bare = get_benchmark(as_yaml(tmp_path, prompt_template=None, scorer=None, quality=None))
    assert bare.prompt("as {article} it is") == "as {article} it is"
    assert (bare.scorer, bare.quality) == (None, None)
    fields = get_benchmark("smollm2-135m").model_dump(mode="json")
    for name in ("prompt_template", "quality", "scorer"):
        del fields[name]
    path = tmp_path / "short.yaml"
    path.write_text(yaml.safe_dump(fields))
    assert get_benchmark(path).scorer == "rouge"


def test_targets_of_the_first_form_are_still_read(tmp_path: Path) -> None:
    smollm = get_benchmark("smollm2-135m")
    first = {
        "rouge1": 35.2613, "rouge2": 14.8265, "rougeL": 26.0524, "rougeLsum": 31.7719, "gen_len": 35_211, "gen_num": 68,
        "min_rouge_ratio": 0.95, "source": smollm.quality.source if smollm.quality else "",
    }  # fmt: skip
    assert get_benchmark(as_yaml(tmp_path, quality=first)).quality == smollm.quality


def test_a_file_is_mlperfs_only_where_it_says_what_mlperf_says(tmp_path: Path) -> None:
    data = get_benchmark("llama3.1-8b").model_dump(mode="json") | {"title": "Ours"}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    assert get_benchmark(path).mlperf
    data["scenarios"]["Server"]["ttft_limit_ns"] *= 2
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(UserError, match=r"mine\.yaml: mlperf: llama3\.1-8b isn't defined so by MLPerf's rules"):
        get_benchmark(path)
    path.write_text(yaml.safe_dump(data | {"mlperf": False}))
    assert not get_benchmark(path).mlperf
