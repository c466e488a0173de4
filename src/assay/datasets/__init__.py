"""Samples: prompts, their token ids and reference summaries, from MLPerf's files or the bundled articles."""

from assay.datasets.load import load_dataset, load_warmup
from assay.datasets.model import Dataset, Sample, TokenIds

__all__ = ["Dataset", "Sample", "TokenIds", "load_dataset", "load_warmup"]
