"""MLPerf Inference llama3.1-8b, edge: summarise 5,000 news articles."""

from __future__ import annotations

from assay.benchmarks.llama3_1_8b import BENCHMARK as DATACENTER
from assay.benchmarks.mlperf.definition import facts_of, quality_of, scenario_of
from assay.benchmarks.model import Benchmark, DatasetSpec

_FACTS = facts_of("llama3.1-8b-edge")

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
        total_sample_count=_FACTS.samples,
        performance_sample_count=_FACTS.samples,
    ),
    scenarios={
        "Offline": scenario_of(_FACTS, "Offline", "llama3_1-8b-edge"),
        "SingleStream": scenario_of(_FACTS, "SingleStream", "llama3_1-8b-edge"),
    },
    scorer=DATACENTER.scorer,
    quality=quality_of(_FACTS),
)
