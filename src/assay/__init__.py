"""Assay: benchmark large-language-model inference the MLPerf way and report only numbers that can be defended."""

__version__ = "0.1.0"
