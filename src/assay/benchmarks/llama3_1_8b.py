"""MLPerf Inference llama3.1-8b, datacenter: summarise 13,368 news articles."""

from __future__ import annotations

from assay.benchmarks.mlperf.definition import facts_of, quality_of, scenario_of
from assay.benchmarks.model import Benchmark, DatasetSpec

_FACTS = facts_of("llama3.1-8b")

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
        total_sample_count=_FACTS.samples,
        performance_sample_count=_FACTS.samples,
    ),
    scenarios={
        "Offline": scenario_of(_FACTS, "Offline", "llama3_1-8b"),
        "Server": scenario_of(_FACTS, "Server", "llama3_1-8b"),
        "Interactive": scenario_of(_FACTS, "Interactive", "llama3_1-8b-interactive"),
    },
    scorer="rouge",
    quality=quality_of(_FACTS),
)
