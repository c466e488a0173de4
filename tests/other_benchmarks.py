"""Made-up data in the layouts of MLPerf's benchmarks, and a tokenizer for it. Nothing of the real data is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

WORDS = 200
TEMPLATE = "{% for message in messages %}w0 {{ message['content'] }} w1 {% endfor %}"


def write_tokenizer(folder: Path) -> Path:
    """A model's folder: words `w0` to `w199` and a chat template."""
    folder.mkdir()
    tokenizer = Tokenizer(WordLevel({f"w{number}": number for number in range(WORDS)}, unk_token="w2"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    return folder


def deepseek_rows(count: int) -> list[dict[str, str]]:
    """Questions as language/deepseek-r1's data set has them."""
    kinds = ("math500", "gpqa", "livecodebench")
    return [
        {
            "dataset": kinds[number % len(kinds)],
            "text_input": " ".join(f"w{10 + number + place}" for place in range(5)),
            "question": "made up",
            "ground_truth": "42",
        }
        for number in range(count)
    ]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_gpt_oss(folder: Path, count: int) -> Path:
    """A folder as MLCommons' download of gpt-oss-120b's data sets: `count` prompts for performance, one more scored."""
    for place, more in (("perf/perf_eval_ref.parquet", 0), ("acc/acc_eval_ref.parquet", 1)):
        rows = [
            {"dataset": "aime25", "ground_truth": "7", "input_tokens": [5 + number + place for place in range(6)]}
            for number in range(count + more)
        ]
        path = folder / place
        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), path)
    return folder


def long_context_rows(count: int) -> list[dict[str, Any]]:
    """Prompts as llama3.1-405b's data set has them, each metric in turn."""
    metrics = ("rouge", "qa_em", "niah_em")
    return [
        {
            "input": "made up",
            "tok_input": [5 + number, 6, 7],
            "tok_input_len": 3,
            "gt_output": "w10 w11 w12",
            "metric": metrics[number % len(metrics)],
        }
        for number in range(count)
    ]
