"""Reading `accuracy.txt`, what reference evaluations print and MLPerf's submission checker reads."""

from __future__ import annotations

import math
import re

_SCORE = re.compile(r"'([\w-]+)':\s*'?(-?[\d.]+(?:e[+-]?\d+)?)'?(?=[,}\s])")
_OTHER_FORMS = {
    "f1": re.compile(r'^\{.*"f1":\s*([\d.]+)', re.MULTILINE),  # qwen3-vl
    "accuracy": re.compile(r"^(?:Word Error Rate:.*, accuracy=|Accuracy:\s*)([\d.]+)", re.MULTILINE),  # whisper; RAG
}
_SAMPLES = ("gen_num", "num-samples")  # deepseek-r1's evaluation writes the second
_EVALUATED = re.compile(r"^Total samples evaluated: (\d+)$", re.MULTILINE)  # gpt-oss-120b's


def read_accuracy_txt(text: str) -> tuple[dict[str, float], int | None]:
    """The scores by metric, and how many answers they are over where that is said."""
    found: dict[str, float] = {}
    forms = [(name, value) for name, form in _OTHER_FORMS.items() for value in form.findall(text)]
    for name, value in [*forms, *_SCORE.findall(text)]:
        try:
            found[name] = float(value)
        except ValueError:
            continue
    counts = [float(number) for number in _EVALUATED.findall(text)]
    counts += [found.pop(name) for name in _SAMPLES if name in found]
    return found, int(counts[0]) if counts and math.isfinite(counts[0]) else None
