"""The same task on SmolLM2-135M-Instruct and the bundled articles: runs without a GPU; not an MLPerf benchmark."""

from __future__ import annotations

from typing import get_args

from assay.benchmarks.llama3_1_8b import BENCHMARK as LLAMA
from assay.benchmarks.model import Benchmark, DatasetSpec, QualityTargets, ScenarioSpec
from assay.runs.scenarios import LoadgenDriven

# bf16, the default on CPUs that have it, moved ROUGE-2 by 2.3 % against f32 over 30 news articles: 1 % would be noise.
_SHARE = 0.95
_REFERENCE = {"rouge1": 35.2613, "rouge2": 14.8265, "rougeL": 26.0524, "rougeLsum": 31.7719}
_CHARACTERS = 35_211


def _scenario(name: LoadgenDriven) -> ScenarioSpec:
    """The latency limits are those of MLPerf's llama3.1-8b, taken over for want of any of this model's own."""
    limits = LLAMA.scenarios.get(name)
    return ScenarioSpec(
        loadgen_scenario="Server" if name == "Interactive" else name,
        min_duration_ns=60_000_000_000,
        min_query_count=100,
        ttft_limit_ns=limits.ttft_limit_ns if limits else None,
        tpot_limit_ns=limits.tpot_limit_ns if limits else None,
    )


BENCHMARK = Benchmark(
    name="smollm2-135m",
    title="SmolLM2 135M, news summaries",
    model_family="smollm2-135m",
    starting_weights="HuggingFaceTB/SmolLM2-135M-Instruct",
    prompt_template=LLAMA.prompt_template,
    use_chat_template=True,
    min_new_tokens=1,
    max_new_tokens=128,
    stop_token_ids=(2,),
    context_limit=8_192,
    dataset=DatasetSpec(title="Bundled articles, written by a language model", files=("articles.jsonl",), bundled=True),
    scenarios={name: _scenario(name) for name in get_args(LoadgenDriven)},
    notice="SmolLM2 135M is a toy model: its summaries loop and invent. The pipeline is real, its answers are poor.",
    scorer="rouge",
    quality=QualityTargets(
        targets={
            **{metric: (_SHARE * value, None) for metric, value in _REFERENCE.items()},
            "gen_len": (0.9 * _CHARACTERS, 1.1 * _CHARACTERS),
        },
        reference={**_REFERENCE, "gen_len": _CHARACTERS},
        samples=68,
        source=(
            "measured over all bundled articles in f32 with: assay run --set engine.precision=f32 "
            "--set dataset.samples=null --set queries={} --set scenarios=[Offline] --set modes=[accuracy]"
        ),
    ),
)
