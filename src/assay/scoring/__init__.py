"""How good the answers are: ROUGE as MLPerf computes it, and the benchmark's quality gate."""

from assay.scoring.accuracy_log import Answer, read_accuracy_log, score_accuracy_log
from assay.scoring.gate import quality_gate
from assay.scoring.model import METRICS, Gate, RougeScores
from assay.scoring.punkt import ensure_punkt
from assay.scoring.rouge import accuracy_txt, rouge

__all__ = [
    "METRICS",
    "Answer",
    "Gate",
    "RougeScores",
    "accuracy_txt",
    "ensure_punkt",
    "quality_gate",
    "read_accuracy_log",
    "rouge",
    "score_accuracy_log",
]
