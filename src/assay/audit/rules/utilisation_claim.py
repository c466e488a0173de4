"""Claimed utilisation must be possible, and follow from the throughput."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.hardware import achieved
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported

_ROOM = 2.0


@run_rule(
    "utilisation",
    explain="""
MBU, MFU and a device's busy share are at most 100 %. Where model, accelerator, tokens and throughput are known

    MFU = samples/s x operations a sample / (dense FLOP/s)

and a claimed MFU that is off by more than a factor of two (precision, attention and the counting of tokens explain
less) is contradicted.
""",
    source="Chowdhery et al., PaLM (2022), appendix B, for MFU; docs/ceilings.md",
)
def check(run: RunEvidence) -> Iterator[Check]:
    for name, share in (("MBU", run.mbu), ("MFU", run.mfu), ("device utilisation", run.utilisation)):
        if share is None:
            continue
        words = f"{name} {share.value:.4g}"
        yield impossible(words, f"{share.value:.4g} > 1") if share.above(1.0) else supported(words, "at most 1")
    known = achieved(run) if run.mfu is not None else None
    if run.mfu is None or known is None:
        return
    words = f"MFU {run.mfu.value:.4g}"
    sums = f"{known.mfu_arithmetic} = {known.mfu:.4g}"
    off = run.mfu.above(known.mfu * _ROOM) or run.mfu.below(known.mfu / _ROOM)
    yield contradicted(words, sums) if off else supported(words, sums)
