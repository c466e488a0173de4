"""TEST09, judged from the answers that LoadGen logged in its run: neither too short nor too long in the mean.

As mlcommons/inference has it (b66003e1, compliance/TEST09): every sample of the performance data is issued once and
logged, and the mean number of output tokens lies within 10 % of the reference's. Checkers look for the verdict's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.scoring.test06 import LoggedAnswer

VERDICT_FILE = "verify_output_len.txt"


@dataclass(frozen=True)
class Test09:
    """What TEST09 found: answers that were logged of those that there should be, and their mean length, tokens."""

    answers: int
    samples: int
    mean: float
    least: float
    most: float

    @property
    def failed_checks(self) -> list[str]:
        """What isn't as it should be, in words."""
        found = []
        if self.answers < self.samples:
            found.append(f"{self.answers} answers were logged of {self.samples}")
        if not self.least <= self.mean <= self.most:
            found.append(f"{self.mean:.2f} output tokens in the mean, {self.least:g} to {self.most:g} are asked for")
        return found

    @property
    def text(self) -> str:
        """`verify_output_len.txt`."""
        return (
            f"TEST09: mean output tokens of {self.answers} answers, {self.samples} asked for\n"
            f"mean: {self.mean:.2f}\nleast: {self.least:g}\nmost: {self.most:g}\n"
            f"TEST {'FAIL' if self.failed_checks else 'PASS'}\n"
        )


def verify_test09(answers: Sequence[LoggedAnswer], samples: int, bounds: tuple[float, float]) -> Test09:
    """Judge the answers of a run over `samples` samples; `bounds` are the least and the most mean output tokens."""
    mean = sum(len(one.ids) for one in answers) / len(answers)
    return Test09(len(answers), samples, mean, *bounds)
