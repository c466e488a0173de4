"""MLPerf Inference llama3.1-8b, datacenter: summarise 13,368 news articles."""

from __future__ import annotations

from assay.benchmarks.model import Benchmark, DatasetSpec, QualityTargets, ScenarioSpec

SAMPLES = 13_368
_MIN_DURATION_NS = 600_000_000_000

BENCHMARK = Benchmark(
    name="llama3.1-8b",
    title="MLPerf Inference Llama 3.1 8B (datacenter)",
    model_family="llama3.1-8b",
    starting_weights="meta-llama/Llama-3.1-8B-Instruct",
    mlperf=True,
    # The text of the official prompts; its tokens, with the model's BOS in front, are their `tok_input`.
    prompt_template="Summarize the following article:\n\n{article}\n\nSummary:",
    # The reference decodes with the tokenizer settings that Llama 3.1 was published with and transformers 4.57.
    clean_up_spaces=True,
    min_new_tokens=1,
    max_new_tokens=128,
    stop_token_ids=(128_001, 128_008, 128_009),
    context_limit=131_072,
    dataset=DatasetSpec(
        title="CNN/DailyMail v3.0.0, validation",
        files=("cnn_eval.json",),
        total_sample_count=SAMPLES,
        performance_sample_count=SAMPLES,
    ),
    scenarios={
        "Offline": ScenarioSpec(
            loadgen_model="llama3_1-8b",
            loadgen_scenario="Offline",
            min_duration_ns=_MIN_DURATION_NS,
            min_query_count=SAMPLES,
        ),
        "Server": ScenarioSpec(
            loadgen_model="llama3_1-8b",
            loadgen_scenario="Server",
            min_duration_ns=_MIN_DURATION_NS,
            min_query_count=SAMPLES,
            ttft_limit_ns=2_000_000_000,
            tpot_limit_ns=100_000_000,
        ),
        "Interactive": ScenarioSpec(
            loadgen_model="llama3_1-8b-interactive",
            loadgen_scenario="Server",
            min_duration_ns=_MIN_DURATION_NS,
            min_query_count=SAMPLES,
            ttft_limit_ns=500_000_000,
            tpot_limit_ns=30_000_000,
        ),
    },
    quality=QualityTargets(
        rouge1=38.7792,
        rouge2=15.9075,
        rougeL=24.4957,
        rougeLsum=35.793,
        gen_len=8_167_644,
        gen_num=SAMPLES,
        source="MLPerf Inference submission checker v6.1: reference implementation on GPU in BF16",
    ),
)
