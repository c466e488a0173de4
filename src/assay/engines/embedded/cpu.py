"""What this machine's CPU computes in."""

from __future__ import annotations

import re
from pathlib import Path


def has_bf16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether OpenVINO's paged attention has bf16 here, which is where the CPU has AVX512-BF16.

    Not what its CPU device tells (OPTIMIZATION_CAPABILITIES): that counts AVX2's bf16 too, which its paged attention
    doesn't know (`PagedAttention::getRuntimePrecision`): it then stays in f32 and dies of a KV cache in bf16.
    """
    try:
        told = cpuinfo.read_text(errors="replace")
    except OSError:
        return False
    return bool(re.search(r"^flags\s*:.*\bavx512_bf16\b", told, re.MULTILINE))
