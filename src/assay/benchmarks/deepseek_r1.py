"""MLPerf Inference deepseek-r1, datacenter: answer 4,388 questions of mathematics, knowledge and code, with reasoning.

Sources: the submission checker of v6.1 for counts, limits and targets (`mlperf/language.yaml`); mlperf.conf for
LoadGen's names; language/deepseek-r1 of mlcommons/inference at b66003e1 for the data set's file (README.md), greedy
decoding, the longest answer and the chat template (utils/backend_registry.py), and what scores
(eval_accuracy.py: graders of mathematics and of code that runs what the model wrote). The model's own configuration
(deepseek-ai/DeepSeek-R1 at 56d4cbbb) for its end token and context.
"""

from __future__ import annotations

from assay.benchmarks.mlperf.definition import facts_of, quality_of, scenario_of
from assay.benchmarks.model import Benchmark, DatasetSpec

_FACTS = facts_of("deepseek-r1")

BENCHMARK = Benchmark(
    name="deepseek-r1",
    title="MLPerf Inference DeepSeek-R1 (datacenter)",
    model_family="deepseek-r1",
    starting_weights="deepseek-ai/DeepSeek-R1",
    mlperf=True,
    use_chat_template=True,
    min_new_tokens=1,
    max_new_tokens=20_000,
    stop_token_ids=(1,),
    context_limit=163_840,
    dataset=DatasetSpec(
        title="AIME, MATH500, GPQA, MMLU-Pro and LiveCodeBench, the 4,388 questions chosen by MLCommons",
        files=("mlperf_deepseek_r1_dataset_4388_fp8_eval.pkl",),
        total_sample_count=_FACTS.samples,
        performance_sample_count=_FACTS.samples,
    ),
    scenarios={
        "Offline": scenario_of(_FACTS, "Offline", "deepseek-r1"),
        "Server": scenario_of(_FACTS, "Server", "deepseek-r1"),
        "Interactive": scenario_of(_FACTS, "Interactive", "deepseek-r1-interactive"),
    },
    scorer=None,
    scored_with="language/deepseek-r1/eval_accuracy.py of mlcommons/inference",
    quality=quality_of(_FACTS),
)
