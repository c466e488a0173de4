"""MLPerf Inference llama3.1-8b, edge: summarise 5,000 news articles."""

from __future__ import annotations

from assay.benchmarks.llama3_1_8b import BENCHMARK as DATACENTER
from assay.benchmarks.model import Benchmark, DatasetSpec, QualityTargets, ScenarioSpec

SAMPLES = 5_000
_MIN_DURATION_NS = 600_000_000_000

BENCHMARK = Benchmark(
    name="llama3.1-8b-edge",
    title="MLPerf Inference Llama 3.1 8B (edge)",
    model_family=DATACENTER.model_family,
    starting_weights=DATACENTER.starting_weights,
    mlperf=True,
    prompt_template=DATACENTER.prompt_template,
    clean_up_spaces=DATACENTER.clean_up_spaces,
    min_new_tokens=DATACENTER.min_new_tokens,
    max_new_tokens=DATACENTER.max_new_tokens,
    stop_token_ids=DATACENTER.stop_token_ids,
    context_limit=DATACENTER.context_limit,
    dataset=DatasetSpec(
        title="CNN/DailyMail v3.0.0, validation, the 5,000 articles chosen by MLCommons",
        files=("sample_cnn_eval_5000.json",),
        total_sample_count=SAMPLES,
        performance_sample_count=SAMPLES,
    ),
    scenarios={
        "Offline": ScenarioSpec(
            loadgen_model="llama3_1-8b-edge",
            loadgen_scenario="Offline",
            min_duration_ns=_MIN_DURATION_NS,
            min_query_count=SAMPLES,
        ),
        "SingleStream": ScenarioSpec(
            loadgen_model="llama3_1-8b-edge",
            loadgen_scenario="SingleStream",
            min_duration_ns=_MIN_DURATION_NS,
            min_query_count=SAMPLES,
        ),
    },
    quality=QualityTargets(
        rouge1=39.06,
        rouge2=16.1147,
        rougeL=24.6375,
        rougeLsum=36.124,
        gen_len=3_051_113,
        gen_num=SAMPLES,
        source="MLPerf Inference submission checker v6.1: reference implementation on GPU in BF16",
    ),
)
