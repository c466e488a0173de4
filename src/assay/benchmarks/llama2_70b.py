"""MLPerf Inference llama2-70b, datacenter, 99.9 %: answer 24,576 questions of OpenOrca.

Sources: the submission checker of v6.1 for counts, limits and targets (`mlperf/language.yaml`); mlperf.conf for
LoadGen's names; language/llama2-70b of mlcommons/inference at b66003e1 for lengths of prompts and answers (SUT.py,
dataset.py) and the data set's file (README.md). That file is a pickle of a pandas frame, whose prompts are complete.
"""

from __future__ import annotations

from assay.benchmarks.mlperf.definition import facts_of, quality_of, scenario_of
from assay.benchmarks.model import Benchmark, DatasetSpec

_FACTS = facts_of("llama2-70b")

BENCHMARK = Benchmark(
    name="llama2-70b",
    title="MLPerf Inference Llama 2 70B (datacenter, 99.9 %)",
    model_family="llama2-70b",
    starting_weights="meta-llama/Llama-2-70b-chat-hf",
    mlperf=True,
    min_new_tokens=1,
    max_new_tokens=1024,
    stop_token_ids=(2,),
    context_limit=4_096,
    dataset=DatasetSpec(
        title="OpenOrca, GPT-4 answers, the 24,576 questions chosen by MLCommons",
        files=("open_orca_gpt4_tokenized_llama.sampled_24576.pkl",),
        total_sample_count=_FACTS.samples,
        performance_sample_count=_FACTS.samples,
    ),
    scenarios={
        "Offline": scenario_of(_FACTS, "Offline", "llama2-70b"),
        "Server": scenario_of(_FACTS, "Server", "llama2-70b"),
        "Interactive": scenario_of(_FACTS, "Interactive", "llama2-70b-interactive"),
    },
    scorer="rouge_tokens",
    quality=quality_of(_FACTS),
)
