"""Write the embedded engine's model as a Hugging Face folder, for engines that don't read GGUF files (vLLM does not).

Run it in an environment of its own (it needs no part of assay):

    pip install torch==2.13.0 transformers==5.19.0 gguf==0.19.0 accelerate==1.15.0
    python export_hf_model.py --model-dir DIR --out DIR

`--model-dir` is the folder that `assay fetch embedded` prints. The weights are stored as float16, which holds every
matrix exactly. The tokenizer is the embedded engine's own file: the one that Transformers derives from the GGUF lacks
the step that splits numbers into digits. Before it ends, the script reads the folder back and compares every weight,
and the token ids of a text with numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

GGUF = "model-f16.gguf"
TEXT_WITH_DIGITS = "In 2016, 1,234 of 56789 people (3.14 %) paid $99.95 at 10:45pm on flight BA2490."


def load(folder: Path) -> Any:
    """The model in float32, as Transformers reads it from the GGUF."""
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    return AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=GGUF, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    )


def save_tokenizer(folder: Path, out: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    end = tokenizer.convert_ids_to_tokens(facts["eos_id"])
    tokenizer.add_special_tokens({"eos_token": end, "pad_token": end})
    tokenizer.chat_template = facts["chat_template"]
    tokenizer.model_max_length = facts["context_length"]
    tokenizer.save_pretrained(out)


def differences(source: dict[str, Any], folder: Path, out: Path) -> list[str]:
    """What is not the same in the written folder as in its source: weights by name, and the tokenizer."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM, AutoTokenizer

    written = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).state_dict()
    found = [f"weight {name}" for name in source if not torch.equal(source[name], written[name])]
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(TEXT_WITH_DIGITS, add_special_tokens=False).ids
    if AutoTokenizer.from_pretrained(out).encode(TEXT_WITH_DIGITS, add_special_tokens=False) != ids:
        found.append("token ids of a text with numbers")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    import torch

    facts = json.loads((options.model_dir / "model.json").read_text(encoding="utf-8"))
    model = load(options.model_dir)
    source = {name: weights.clone() for name, weights in model.state_dict().items()}
    model.config.eos_token_id = model.generation_config.eos_token_id = facts["eos_id"]
    model.to(torch.float16).save_pretrained(options.out)
    save_tokenizer(options.model_dir, options.out)
    found = differences(source, options.model_dir, options.out)
    for difference in found:
        print(f"differs from the source: {difference}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
