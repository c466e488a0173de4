"""Warm-up before the clock: every endpoint's places are filled with prompts like the run's until its rate is steady."""

from assay.load.warmup.warmup import Warmup

__all__ = ["Warmup"]
