"""What was measured, as tables for other tools: Arrow in Python, CSV, Parquet, MLflow."""

from assay.results.campaign import LoadedCampaign, LoadedRun, load_campaign
from assay.results.files import TABLES, write_tables

__all__ = ["TABLES", "LoadedCampaign", "LoadedRun", "load_campaign", "write_tables"]
