"""TEST07, judged from the answers that LoadGen logged in its run and what another program scored them with.

As mlcommons/inference has it (b66003e1, compliance/TEST07): each sample of a data set of the test's own is issued once
in performance mode and logged, and the benchmark's evaluation gives a score of at least the test's. Checkers look for
the verdict's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.scoring.test06 import LoggedAnswer

VERDICT_FILE = "verify_accuracy.txt"


@dataclass(frozen=True)
class Test07:
    """What TEST07 found: answers that were logged of those that there should be, and their score; None: not scored."""

    answers: int
    samples: int
    metric: str
    score: float | None
    least: float
    unscored: str
    """What is said of answers without a score."""

    @property
    def failed_checks(self) -> list[str]:
        """What isn't as it should be, in words."""
        found = []
        if self.answers != self.samples:
            found.append(f"{self.answers} answers were logged of {self.samples}")
        if self.score is None:
            found.append(self.unscored)
        elif not self.score >= self.least:
            found.append(f"{self.metric} is {self.score:g}, and {self.least:g} is asked for")
        return found

    @property
    def text(self) -> str:
        """The end of `verify_accuracy.txt`, which begins with what the evaluation printed."""
        score = self.unscored if self.score is None else f"{self.score:g}"
        return (
            f"TEST07: {self.metric} of {self.answers} answers, {self.samples} asked for\n"
            f"Accuracy score: {score}\nAccuracy threshold: {self.least:g}\n"
            f"Accuracy check pass: {not self.failed_checks}\n"
            f"TEST {'FAIL' if self.failed_checks else 'PASS'}\n"
        )


def verify_test07(
    answers: Sequence[LoggedAnswer], samples: int, target: tuple[str, float], scores: Mapping[str, float], unscored: str
) -> Test07:
    """Judge a run over `samples` samples; `target` is a metric and the least score, `scores` what was made of them."""
    metric, least = target
    return Test07(len(answers), samples, metric, scores.get(metric), least, unscored)
