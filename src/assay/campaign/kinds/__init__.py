"""Campaign kinds: one file a kind owns which runs answer its question, what it asks for, and what failures mean."""

from assay.campaign.kinds.base import Kind
from assay.campaign.kinds.registry import check_benchmark, kind_of, plan_runs

__all__ = ["Kind", "check_benchmark", "kind_of", "plan_runs"]
