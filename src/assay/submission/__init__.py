"""Submissions to MLPerf Inference: a tree from official runs, the refusal of others, and the check of anyone's tree."""

from assay.submission.checklist import TreeCheck, check_tree, checklist_json, checklist_text
from assay.submission.make import SYSTEM_YAML, Submission, make_submission
from assay.submission.refusals import RefusedError
from assay.submission.request import DIVISIONS, ROUNDS, Division, Request
from assay.submission.tree import originals_of, write_tree

__all__ = [
    "DIVISIONS",
    "ROUNDS",
    "SYSTEM_YAML",
    "Division",
    "RefusedError",
    "Request",
    "Submission",
    "TreeCheck",
    "check_tree",
    "checklist_json",
    "checklist_text",
    "make_submission",
    "originals_of",
    "write_tree",
]
