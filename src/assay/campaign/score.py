"""Scoring the answers of an accuracy run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from assay.campaign.prepare import Prepared
from assay.errors import AssayError
from assay.runs import RunFolder, RunRecord, RunStatus, write_bytes, write_json, write_text

if TYPE_CHECKING:
    from assay.scoring import RougeScores


def score_answers(prepared: Prepared, record: RunRecord, folder: RunFolder) -> None:
    """Write the scores and the answers in words; an accuracy log that can't be scored fails the run."""
    from assay.scoring import accuracy_txt, quality_gate, score_accuracy_log

    references = prepared.dataset.references
    if references is None:
        return  # accuracy isn't measured
    try:
        scores = score_accuracy_log(folder.loadgen_accuracy, references, prepared.decode)
    except AssayError as error:
        record.status, record.reason = RunStatus.FAILED, f"accuracy couldn't be scored: {error}"
        return
    gate = quality_gate(prepared.benchmark, scores)
    write_text(folder.accuracy_txt, accuracy_txt(scores))
    write_bytes(folder.answers, _answers(prepared, folder, scores, references))
    facts = {**scores.values(), "gen_len": scores.gen_len, "gen_num": scores.gen_num}
    write_json(folder.accuracy, {**facts, "gate": gate.verdict, "details": list(gate.details)})


def _answers(prepared: Prepared, folder: RunFolder, scores: RougeScores, references: list[str]) -> bytes:
    """A line a sample, so that a person can read what was scored."""
    from assay.scoring import read_accuracy_log

    lines = []
    for number, answer in enumerate(read_accuracy_log(folder.loadgen_accuracy)):
        own = {metric: round(100 * float(values[number]), 4) for metric, values in scores.per_sample.items()}
        text = prepared.decode(answer.token_ids.tolist())
        reference = references[answer.qsl_idx]
        lines.append(orjson.dumps({"qsl_idx": answer.qsl_idx, "answer": text, "reference": reference, **own}))
    return b"\n".join(lines) + b"\n"
