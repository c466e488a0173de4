"""Whole benchmark tools as clients: run as programs, against the same simulator.

Their start costs more than a short run, so a figure is the difference of two runs of different length: tokens,
counted by the simulator, per CPU second of the tool and its children.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SHORT, LONG = 100, 1100
TOKENS = 32
_TIMEOUT_S = 900
Simulator = Callable[..., AbstractContextManager[tuple[str, Callable[[], list[bytes]]]]]


def measure_tools(simulator: Simulator, core: int) -> dict[str, Any]:
    """Streamed tokens per CPU second of each tool that is on PATH; for the others, that they aren't."""
    return {name: _measure(command, simulator, core) for name, command in _COMMANDS.items()}


def _guidellm(url: str, requests: int, folder: Path) -> list[str]:
    return [
        "guidellm",
        "run",
        f"--backend=kind=openai_http,target={url},model=simulated",
        "--profile=kind=concurrent,streams=50",
        f"--constraint=kind=max_requests,count={requests}",
        f"--tokenizer=kind=hf_auto,model={folder / 'tokenizer'}",
        f"--data=kind=synthetic_text,prompt_tokens=32,output_tokens={TOKENS}",
        f"--output=kind=json,path={folder / 'guidellm.json'}",
        "--disable-console",
    ]


def _aiperf(url: str, requests: int, folder: Path) -> list[str]:
    return [
        *("aiperf", "profile", "--model", "simulated", "--url", url, "--endpoint-type", "completions", "--streaming"),
        *("--concurrency", "50", "--request-count", str(requests), "--tokenizer", str(folder / "tokenizer")),
        *("--synthetic-input-tokens-mean", "32", "--output-tokens-mean", str(TOKENS), "--ui", "none"),
        *("--artifact-dir", str(folder / "aiperf")),
    ]


_COMMANDS = {"guidellm": _guidellm, "aiperf": _aiperf}


def _measure(command: Callable[[str, int, Path], list[str]], simulator: Simulator, core: int) -> dict[str, Any]:
    if shutil.which(command("", 0, Path())[0]) is None:
        return {"status": "not installed"}
    costs = []
    for requests in (SHORT, LONG):
        with TemporaryDirectory() as name:
            folder = Path(name)
            make_tokenizer(folder / "tokenizer")
            with simulator("--ttft-ms", "0") as (url, truth):
                cpu_s = _cpu_of(command(url, requests, folder), core)
            if cpu_s is None:
                return {"status": "failed"}
            costs.append((cpu_s, sum(json.loads(line).get("tokens", 0) for line in truth()[:-1])))
    (short_s, short_tokens), (long_s, long_tokens) = costs
    if long_s <= short_s or long_tokens <= short_tokens:
        return {"status": "the longer run didn't cost more: too noisy to say"}
    rate = (long_tokens - short_tokens) / (long_s - short_s)
    return {"status": "measured", "streamed_tokens_per_s_per_core": round(rate), "start_cpu_s": round(short_s, 1)}


def _cpu_of(command: list[str], core: int) -> float | None:
    """CPU seconds of a command and its children, pinned to `core`; None if it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            timeout=_TIMEOUT_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_tokenizer(folder: Path) -> None:
    """A tokenizer of single bytes, so that the tools need no hub."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
