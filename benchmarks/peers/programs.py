"""The tools of the comparison as their users run them: a command, and where its figures are."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from peers.install import TOOLS
from peers.loads import INPUT_TOKENS, OUTPUT_TOKENS, Floats, Load, Percentile

Figures = dict[str, float]
"""`ttft_p50`, `ttft_p99`, `tpot_p50`, `tpot_p99`; ms."""


@dataclass(frozen=True)
class Program:
    """One tool."""

    why_not: str | None
    """Why it can't be run; None where it can."""
    command: Callable[[str, Load, Path], list[str]]
    """For a URL, a load, and a folder that it may write into and that holds `tokenizer`."""
    figures: Callable[[str, Path], Figures]
    """From what it printed and wrote. Raises KeyError, ValueError or OSError where they aren't there."""
    percentile: Percentile
    """What it means by one; seen in its source."""


def loadgen_percentile(ordered: Floats, share: int) -> float:
    """The value at index ⌊n·share⌋ (results.cc), as assay states it too."""
    return float(ordered[min(len(ordered) - 1, len(ordered) * share // 100)])


def interpolated(ordered: Floats, share: int) -> float:
    """NumPy's default: aiperf (metrics/metric_dicts.py)."""
    return float(np.percentile(ordered, share))


def least_covering(ordered: Floats, share: int) -> float:
    """The least value that at least the share is at or below: guidellm (schemas/base/statistics.py)."""
    return float(np.percentile(ordered, share, method="inverted_cdf"))


def _assay(url: str, load: Load, folder: Path) -> list[str]:
    return [
        *(str(Path(sys.executable).with_name("assay")), "bench", url),
        *("--input", str(INPUT_TOKENS), "--output", str(OUTPUT_TOKENS)),
        *(f"--{load.kind}", str(load.value), "--requests", str(load.requests)),
        *("--json", "--results", str(folder / "results")),
    ]


def _assay_figures(printed: str, folder: Path) -> Figures:
    (row,) = json.loads(printed)["loads"]
    latency = row["latency"]
    return {
        f"{name}_{share}": latency[f"{name}_ns"][share]["value"] / 1e6
        for name in ("ttft", "tpot")
        for share in ("p50", "p99")
    }


def _aiperf(url: str, load: Load, folder: Path) -> list[str]:
    pace = ("--concurrency",) if load.kind == "concurrency" else ("--arrival-pattern", "poisson", "--request-rate")
    return [
        *(str(TOOLS["aiperf"].program), "profile", "--model", "simulated", "--url", url),
        *("--endpoint-type", "completions", "--streaming", *pace, str(load.value)),
        *("--request-count", str(load.requests), "--tokenizer", str(folder / "tokenizer")),
        *("--synthetic-input-tokens-mean", str(INPUT_TOKENS), "--output-tokens-mean", str(OUTPUT_TOKENS)),
        *("--use-server-token-count", "--ui", "none", "--artifact-dir", str(folder / "aiperf")),
    ]


def _aiperf_figures(printed: str, folder: Path) -> Figures:
    (path,) = (folder / "aiperf").rglob("profile_export_aiperf.json")
    found = json.loads(path.read_bytes())
    # Its inter-token latency of a request is (latency - TTFT) / (tokens - 1), which is TPOT.
    names = {"ttft": "time_to_first_token", "tpot": "inter_token_latency"}
    return {
        f"{name}_{share}": float(found[theirs][share]) for name, theirs in names.items() for share in ("p50", "p99")
    }


def _guidellm(url: str, load: Load, folder: Path) -> list[str]:
    profile = f"concurrent,streams={load.value}" if load.kind == "concurrency" else f"poisson,rate={load.value}"
    return [
        *(str(TOOLS["guidellm"].program), "run"),
        f"--backend=kind=openai_http,target={url},model=simulated,request_format=/v1/completions",
        f"--profile=kind={profile}",
        f"--constraint=kind=max_requests,count={load.requests}",
        f"--tokenizer=kind=hf_auto,model={folder / 'tokenizer'}",
        f"--data=kind=synthetic_text,prompt_tokens={INPUT_TOKENS},output_tokens={OUTPUT_TOKENS}",
        f"--output=kind=json,path={folder / 'guidellm.json'}",
        "--disable-console",
    ]


def _guidellm_figures(printed: str, folder: Path) -> Figures:
    metrics = json.loads((folder / "guidellm.json").read_bytes())["benchmarks"][0]["metrics"]
    # What it calls TPOT is latency / tokens; its inter-token latency is MLPerf's TPOT.
    names = {"ttft": "time_to_first_token_ms", "tpot": "inter_token_latency_ms"}

    def percentile(theirs: str, share: str) -> float:
        found: dict[str, Any] = metrics[theirs]["successful"]["percentiles"]
        return float(found[share])

    return {f"{name}_{share}": percentile(theirs, share) for name, theirs in names.items() for share in ("p50", "p99")}


PROGRAMS = {
    "assay": Program(None, _assay, _assay_figures, loadgen_percentile),
    "aiperf": Program(TOOLS["aiperf"].why_not, _aiperf, _aiperf_figures, interpolated),
    "guidellm": Program(TOOLS["guidellm"].why_not, _guidellm, _guidellm_figures, least_covering),
}
