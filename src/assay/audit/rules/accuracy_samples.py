"""Accuracy targets hold over the whole data set."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, run_rule, supported, unsupported


@run_rule(
    "accuracy-samples",
    explain="""
A reference score was measured over a whole data set; a score over fewer samples can't be held against it. Where a
target is said to be reached, the samples scored are at least the target's. The open division may use another data
set; there the number is shown and not judged.
""",
    source="MLPerf submission checker: accuracy is scored over every sample of the data set",
)
def check(run: RunEvidence) -> Iterator[Check]:
    quality = run.quality
    if not quality.passed or quality.samples is None:
        return
    wanted = run.rules.scored_samples if run.rules else run.dataset_samples
    if wanted is None:
        return
    words = f"accuracy over {quality.samples} samples"
    sums = f"{quality.samples} of the {wanted} samples that the target was measured over"
    if quality.samples >= wanted:
        yield supported(words, sums)
    elif run.division == "open":
        yield supported(f"{words} (open division)", f"{sums}; the open division sets no target")
    else:
        yield unsupported(words, sums)
