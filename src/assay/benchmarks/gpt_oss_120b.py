"""MLPerf Inference gpt-oss-120b, datacenter: answer 6,396 prompts with little reasoning, 4,395 others for accuracy.

Those of accuracy runs are AIME 2025, GPQA Diamond and LiveCodeBench v6, several times each, with more reasoning and
longer answers; TEST07's are GPQA's once more, timed. Tokens are drawn, not always the likeliest taken.

Sources: the submission checker of v6.1 for counts, limits and targets (`mlperf/language.yaml`); mlperf.conf for
LoadGen's names; language/gpt-oss-120b of mlcommons/inference at b66003e1 for sampling, lengths of answers and the data
sets (README.md), prompts as token ids (utils/tokenization.py), and what scores (eval_mlperf_accuracy.py: a grader that
runs the code that the model wrote). The model's own configuration (openai/gpt-oss-120b) for end tokens and context.
"""

from __future__ import annotations

from assay.benchmarks.mlperf.definition import facts_of, quality_of, scenario_of
from assay.benchmarks.mlperf.rules import COMPLIANCE
from assay.benchmarks.model import AccuracySpec, Benchmark, DatasetSpec, Sampling

_FACTS = facts_of("gpt-oss-120b")

BENCHMARK = Benchmark(
    name="gpt-oss-120b",
    title="MLPerf Inference gpt-oss-120b (datacenter)",
    model_family="gpt-oss-120b",
    starting_weights="openai/gpt-oss-120b",
    mlperf=True,
    min_new_tokens=1,
    max_new_tokens=10_240,
    sampling=Sampling(temperature=1.0, top_p=1.0),
    stop_token_ids=(200_002, 199_999, 200_012),
    context_limit=131_072,
    dataset=DatasetSpec(
        title="the 6,396 prompts chosen by MLCommons for performance",
        files=("perf/perf_eval_ref.parquet", "perf_eval_ref.parquet"),
        total_sample_count=_FACTS.samples,
        performance_sample_count=_FACTS.samples,
    ),
    accuracy=AccuracySpec(
        dataset=DatasetSpec(
            title="AIME 2025, GPQA Diamond and LiveCodeBench v6, the 4,395 questions set by MLCommons for accuracy",
            files=("acc/acc_eval_ref.parquet", "acc_eval_ref.parquet"),
            total_sample_count=_FACTS.scored_samples,
            performance_sample_count=_FACTS.scored_samples,
        ),
        max_new_tokens=32_768,
    ),
    compliance_data={
        "TEST07": DatasetSpec(
            title="GPQA Diamond, the 990 questions set by MLCommons for TEST07",
            files=("acc/acc_eval_compliance_gpqa.parquet", "acc_eval_compliance_gpqa.parquet"),
            total_sample_count=COMPLIANCE["TEST07"]["min_query_count"],
            performance_sample_count=COMPLIANCE["TEST07"]["min_query_count"],
        )
    },
    scenarios={
        "Offline": scenario_of(_FACTS, "Offline", "gpt-oss-120b"),
        "Server": scenario_of(_FACTS, "Server", "gpt-oss-120b"),
        "Interactive": scenario_of(_FACTS, "Interactive", "gpt-oss-120b-interactive"),
    },
    scorer=None,
    scored_with="language/gpt-oss-120b/eval_mlperf_accuracy.py of mlcommons/inference",
    quality=quality_of(_FACTS),
)
