"""A campaign that runs anywhere: few made-up prompts, a tokenizer of two words, a simulated server."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

CAMPAIGN = """\
name: offline
benchmark: own-prompts
campaign: {kind: bench, loads: [{kind: concurrency, concurrency: 2, requests: 8}]}
dataset: {path: prompts.jsonl}
tokenizer: tokenizer
engine: {kind: simulated, ttft_ms: 1, itl_ms: 1, output_tokens: 4}
load: {warmup_prompts: 1}
output: results
"""


def write_campaign(folder: Path) -> None:
    folder.mkdir()
    (folder / "assay.yaml").write_text(CAMPAIGN)
    lines = [json.dumps({"prompt": f"question {number}", "max_tokens": 4}) for number in range(4)]
    (folder / "prompts.jsonl").write_text("\n".join(lines) + "\n")
    tokenizer = Tokenizer(WordLevel({"?": 0, "question": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    (folder / "tokenizer").mkdir()
    tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))
