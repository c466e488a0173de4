"""CNN/DailyMail from the Hugging Face hub, written in MLPerf's layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson

from assay.benchmarks import Benchmark
from assay.datasets.tokenise import PromptTokeniser
from assay.errors import UserError
from assay.extras import require
from assay.runs.atomic import write_bytes

HUB_DATASET = "abisee/cnn_dailymail"
HUB_CONFIG = "3.0.0"
HUB_SPLIT = "validation"
OFFICIAL_FILE = "cnn_eval.json"


def fetch_cnn_dailymail(benchmark: Benchmark, folder: Path, tokenizer_folder: Path) -> Path:
    """Download the articles, tokenise the benchmark's prompts and write `cnn_eval.json` into `folder`.

    `tokenizer_folder` holds the model's `tokenizer.json` and `tokenizer_config.json`. The order is the hub's, which
    is that of the official file; the official file itself is what a submission needs. Raises `UserError` if the
    benchmark uses another file, or the extra, the tokenizer, the network or room on the disk is missing.
    """
    if OFFICIAL_FILE not in benchmark.dataset.files:
        raise UserError(
            f"benchmark {benchmark.name} uses {' or '.join(benchmark.dataset.files)}, which can't be made from the "
            f"hub. {_by_hand(benchmark)}"
        )
    tokeniser = PromptTokeniser.from_model_folder(tokenizer_folder, benchmark.use_chat_template)
    rows = _download(benchmark)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / OFFICIAL_FILE, official_layout(benchmark, rows, tokeniser))
    except OSError as error:
        raise UserError(f"dataset folder {folder}: {error.strerror or error}.") from error
    return folder / OFFICIAL_FILE


def official_layout(benchmark: Benchmark, rows: Iterable[Mapping[str, str]], tokeniser: PromptTokeniser) -> bytes:
    """Rows of `{"article", "highlights"}` as MLPerf's JSON: `input`, `tok_input`, `output`."""
    entries = []
    for row in rows:
        prompt = benchmark.prompt(row["article"])
        entries.append({"input": prompt, "tok_input": tokeniser.encode_prompt(prompt), "output": row["highlights"]})
    return orjson.dumps(entries, option=orjson.OPT_APPEND_NEWLINE)


def _download(benchmark: Benchmark) -> Iterable[Mapping[str, str]]:
    require("huggingface", "Fetching the dataset", _by_hand(benchmark))
    from datasets import load_dataset

    try:
        rows: Iterable[Mapping[str, str]] = load_dataset(HUB_DATASET, HUB_CONFIG, split=HUB_SPLIT)
    except Exception as error:  # what a missing network raises depends on the versions of three libraries
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{HUB_DATASET} couldn't be fetched from the Hugging Face hub: {reason} {_by_hand(benchmark)}"
        ) from error
    return rows


def _by_hand(benchmark: Benchmark) -> str:
    return (
        f"By hand: get {' or '.join(benchmark.dataset.files)} with the MLCommons downloader (docs/data.md), on any "
        "machine, copy it here and set dataset.path to the file or its folder."
    )
