"""Quality targets as benchmark files wrote them when summaries were all that could be scored."""

from __future__ import annotations

from typing import Any

_SCORES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
_LENGTH, _COUNT = "gen_len", "gen_num"
_SHARES = {"min_rouge_ratio": 0.99, "min_gen_len_ratio": 0.9, "max_gen_len_ratio": 1.1}


def upgrade_quality(data: Any) -> Any:
    """Four scores, a length and a count become targets by metric; anything else stays what it is, for its reader."""
    known = {*_SCORES, _LENGTH, _COUNT, "source"}
    if not isinstance(data, dict) or not known <= data.keys() <= known | _SHARES.keys():
        return data
    try:
        reference = {metric: float(data[metric]) for metric in (*_SCORES, _LENGTH)}
        least, short, long = (float(data.get(name, usual)) for name, usual in _SHARES.items())
    except (TypeError, ValueError):
        return data
    targets: dict[str, tuple[float, float | None]] = {metric: (least * reference[metric], None) for metric in _SCORES}
    targets[_LENGTH] = (short * reference[_LENGTH], long * reference[_LENGTH])
    return {"targets": targets, "reference": reference, "samples": data[_COUNT], "source": data["source"]}
