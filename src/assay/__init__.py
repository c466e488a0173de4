"""Assay: benchmark large-language-model inference the MLPerf way and report only numbers that can be defended."""

__version__ = "0.1.0"
SIMULATOR = "assay simulator"
"""How Assay's simulated server names itself wherever a client may look, so that no run on it is taken for a model's."""
