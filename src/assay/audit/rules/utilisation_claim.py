"""Claimed utilisation must be possible, and follow from the throughput."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.hardware import achieved, mfu_range
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported

_ROOM = 2.0
_ROUNDING = 0.01


@run_rule(
    "utilisation",
    explain="""
MBU, MFU and a device's busy share are at most 100 %. Where model, accelerator, tokens and throughput are stated

    MFU = samples/s x operations a sample / (dense FLOP/s)

lies between what the figures allow: operations with attention or without, of the weights that multiply or of all that
are stored; the speed of the precision that is stated, or of any of the accelerator's. Where the tokens are the data
set's instead of the run's own, a factor of two is left on both sides.
""",
    source="Chowdhery et al., PaLM (2022), appendix B, for MFU; docs/ceilings.md",
)
def check(run: RunEvidence) -> Iterator[Check]:
    for name, share in (("MBU", run.mbu), ("MFU", run.mfu), ("device utilisation", run.utilisation)):
        if share is None:
            continue
        words = f"{name} {share.value:.4g}"
        yield impossible(words, f"{share.value:.4g} > 1") if share.above(1.0) else supported(words, "at most 1")
    found = _range(run) if run.mfu is not None else None
    if run.mfu is None or found is None:
        return
    low, high, sums = found
    words = f"MFU {run.mfu.value:.4g}"
    off = run.mfu.above(high, _ROUNDING) or run.mfu.below(low, _ROUNDING)
    yield contradicted(words, sums) if off else supported(words, sums)


def _range(run: RunEvidence) -> tuple[float, float, str] | None:
    known = mfu_range(run)
    if known is not None:
        return known
    used = achieved(run)
    return None if used is None else (used.mfu / _ROOM, used.mfu * _ROOM, f"{used.mfu_arithmetic} = {used.mfu:.4g}")
