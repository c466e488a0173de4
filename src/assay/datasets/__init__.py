"""Samples: prompts or conversations, their token ids and reference answers, by the format that holds them."""

from assay.datasets.fetch import fetch_cnn_dailymail
from assay.datasets.lengths import CannotCountError, TokenCounter
from assay.datasets.load import load_dataset, warmup_articles
from assay.datasets.model import Dataset, Message, Sample, TokenIds
from assay.datasets.tokenise import PromptTokeniser, TokeniserCounter, check_lengths

__all__ = [
    "CannotCountError",
    "Dataset",
    "Message",
    "PromptTokeniser",
    "Sample",
    "TokenCounter",
    "TokenIds",
    "TokeniserCounter",
    "check_lengths",
    "fetch_cnn_dailymail",
    "load_dataset",
    "warmup_articles",
]
