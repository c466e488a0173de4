"""MLPerf Inference llama3.1-405b, datacenter: long texts to summarise, to answer from and to find identifiers in.

v6.0 was the last round that had it. Sources: the submission checker of v6.0 for counts, limits and targets
(`mlperf/language.yaml`); mlperf.conf for LoadGen's names; language/llama3.1-405b of mlcommons/inference at b66003e1 for
greedy decoding and lengths of answers (SUT_VLLM.py), the data set's layout, a pickle of a pandas frame with complete
prompts (dataset.py), and the scores (evaluate-accuracy.py). That file's name is the one of published submissions.
"""

from __future__ import annotations

from assay.benchmarks.llama3_1_8b import BENCHMARK as SMALLER
from assay.benchmarks.mlperf.definition import facts_of, quality_of, scenario_of
from assay.benchmarks.model import Benchmark, DatasetSpec

_FACTS = facts_of("llama3.1-405b")

BENCHMARK = Benchmark(
    name="llama3.1-405b",
    title="MLPerf Inference Llama 3.1 405B (datacenter)",
    model_family="llama3.1-405b",
    starting_weights="meta-llama/Llama-3.1-405B-Instruct",
    mlperf=True,
    clean_up_spaces=SMALLER.clean_up_spaces,
    min_new_tokens=1,
    max_new_tokens=2_000,
    stop_token_ids=SMALLER.stop_token_ids,
    context_limit=SMALLER.context_limit,
    dataset=DatasetSpec(
        title="LongBench, LongDataCollections, RULER and GovReport, the 8,313 prompts chosen by MLCommons",
        files=("mlperf_llama3.1_405b_dataset_8313_processed_fp16_eval.pkl",),
        total_sample_count=_FACTS.samples,
        performance_sample_count=_FACTS.samples,
    ),
    scenarios={
        "Offline": scenario_of(_FACTS, "Offline", "llama3_1-405b"),
        "Server": scenario_of(_FACTS, "Server", "llama3_1-405b"),
        "Interactive": scenario_of(_FACTS, "Interactive", "llama3_1-405b-interactive"),
    },
    scorer="rouge_or_match",
    quality=quality_of(_FACTS),
)
