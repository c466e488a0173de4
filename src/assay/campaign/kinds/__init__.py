"""Campaign kinds: one file a kind owns which runs answer its question, what it asks for, and what failures mean."""

from assay.campaign.kinds.base import Kind
from assay.campaign.kinds.registry import kind_of, plan_runs

__all__ = ["Kind", "kind_of", "plan_runs"]
