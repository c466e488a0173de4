"""`assay tune`: questions whose next run follows from what was measured, one file each."""

from assay.commands.tune.group import tune

__all__ = ["tune"]
