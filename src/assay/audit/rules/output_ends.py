"""Answers end as they are said to."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import OUTPUT_ROOM, Origin, RunEvidence
from assay.audit.hardware import output_tokens
from assay.audit.registry import Check, contradicted, run_rule, supported


@run_rule(
    "output-ends",
    explain="""
An answer ends with an end-of-sequence token or at the token limit (128 for llama3.1-8b). So no answer is longer than
the limit, the mean isn't either, those that ended at the limit have that many tokens, and the two kinds are all
answers. 10 % and one token of room is left for counts that were made by tokenising the text again, or that count the
first token apart. Of gpt-oss-120b the mean of a performance run's answers is 1,150 to 1,406 tokens (TEST09).
""",
    source="MLPerf llama3.1-8b: min_new_tokens 1, max_new_tokens 128, stop at EOS",
)
def check(run: RunEvidence) -> Iterator[Check]:
    outputs, completed = run.outputs, run.samples.completed
    if outputs.limit:
        most = outputs.limit * OUTPUT_ROOM + 1
        if outputs.longest is not None:
            words = f"longest answer {outputs.longest} tokens"
            sums = f"{outputs.longest} tokens came, the limit is {outputs.limit}"
            yield contradicted(words, sums) if outputs.longest > most else supported(words, sums)
        mean = output_tokens(run)
        if mean is not None and mean.above(most) and (outputs.longest or 0) <= most:  # else it is said already
            yield contradicted(f"{mean} output tokens a sample", f"{mean} tokens came, the limit is {outputs.limit}")
        if outputs.overlong and (outputs.longest or 0) <= most:
            yield contradicted(f"{outputs.overlong} answers are longer", "than their own requests allowed")
        if outputs.stopped_short:
            yield contradicted(f"{outputs.stopped_short} answers ended at the limit", "with fewer tokens than it")
    yield from _performance_lengths(run)
    for reason, count in outputs.ended_otherwise.items():
        yield contradicted("answers end in EOS or at the limit", f"{count} ended otherwise: {reason}")
    kinds = (outputs.ended_by_eos, outputs.ended_by_limit)
    if completed is not None and None not in kinds:
        ended = sum(kind for kind in kinds if kind is not None) + sum(outputs.ended_otherwise.values())
        words = f"{completed} answers"
        sums = f"{kinds[0]} by EOS + {kinds[1]} at the limit + {ended - sum(k or 0 for k in kinds)} otherwise = {ended}"
        yield supported(words, sums) if ended == completed else contradicted(words, sums)


def _performance_lengths(run: RunEvidence) -> Iterator[Check]:
    """Where the rules bound the answers of a performance run, and no test of LoadGen's looked at them."""
    lengths = run.rules.mean_output_tokens if run.rules else None
    mean = run.mean_output_tokens
    if lengths is None or mean is None or run.origin is not Origin.ENDPOINTS or run.division == "open":
        return
    words = f"{mean} output tokens a sample"
    sums = f"TEST09 asks for {lengths[0]:g} to {lengths[1]:g}"
    yield contradicted(words, sums) if mean.below(lengths[0]) or mean.above(lengths[1]) else supported(words, sums)
