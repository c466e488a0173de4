"""Samples: prompts or conversations, their token ids and reference answers, by the format that holds them."""

from assay.datasets.fetch import fetch_cnn_dailymail
from assay.datasets.load import load_dataset, load_warmup
from assay.datasets.model import Dataset, Message, Sample, TokenIds
from assay.datasets.tokenise import PromptTokeniser, check_lengths

__all__ = [
    "Dataset",
    "Message",
    "PromptTokeniser",
    "Sample",
    "TokenIds",
    "check_lengths",
    "fetch_cnn_dailymail",
    "load_dataset",
    "load_warmup",
]
