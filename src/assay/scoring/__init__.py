"""How good the answers are: scorers by name, and the benchmark's quality gate."""

from assay.scoring.accuracy_log import CUT_MARK, Answer, read_accuracy_log, scorables
from assay.scoring.accuracy_txt import read_accuracy_txt
from assay.scoring.by_endpoint import endpoint_scores
from assay.scoring.gate import quality_gate
from assay.scoring.intervals import FAMILY_RISK, mean_intervals
from assay.scoring.model import Gate, Metric, Scorable, Scorer, Scores
from assay.scoring.punkt import ensure_punkt
from assay.scoring.registry import get_scorer, metrics, scorer, scorers
from assay.scoring.test06 import Test06, read_logged_answers, verify_test06
from assay.scoring.test07 import Test07, verify_test07
from assay.scoring.test09 import Test09, verify_test09

__all__ = [
    "CUT_MARK",
    "FAMILY_RISK",
    "Answer",
    "Gate",
    "Metric",
    "Scorable",
    "Scorer",
    "Scores",
    "Test06",
    "Test07",
    "Test09",
    "endpoint_scores",
    "ensure_punkt",
    "get_scorer",
    "mean_intervals",
    "metrics",
    "quality_gate",
    "read_accuracy_log",
    "read_accuracy_txt",
    "read_logged_answers",
    "scorables",
    "scorer",
    "scorers",
    "verify_test06",
    "verify_test07",
    "verify_test09",
]
