"""Samples: prompts, their token ids and reference summaries, from MLPerf's files or the bundled articles."""

from assay.datasets.fetch import fetch_cnn_dailymail
from assay.datasets.load import load_dataset, load_warmup
from assay.datasets.model import Dataset, Sample, TokenIds
from assay.datasets.tokenise import PromptTokeniser, check_lengths

__all__ = [
    "Dataset",
    "PromptTokeniser",
    "Sample",
    "TokenIds",
    "check_lengths",
    "fetch_cnn_dailymail",
    "load_dataset",
    "load_warmup",
]
