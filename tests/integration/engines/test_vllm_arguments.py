"""The command lines that assay builds for vLLM, read by vLLM's own argument parser."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from assay.cluster.options import ClusterOptions
from assay.config import config_of
from assay.deploy.export import export_files
from assay.deploy.specs import server_specs
from assay.engines import EngineOptions, VllmOptions, build_engine
from assay.engines.vllm import VllmEngine
from assay.serving.servers import HOST, LEADER, LEADER_PORT, NODES, PORT, fill, filled, parts

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

MODULE = "vllm.entrypoints.openai.api_server"
FOLLOWER = ["vllm.entrypoints.cli.main", "serve"]
# Reads command lines as `vllm serve` and its server module do, and for each tells what it understood, and whether
# `vllm serve` would start a follower of it (which is what --headless asks for).
READER = """
import json, sys
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.cli import serve
from vllm.utils.argparse_utils import FlexibleArgumentParser
try:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
except ImportError:  # before 0.30
    from vllm.entrypoints.openai.cli_args import make_arg_parser, validate_parsed_serve_args
started = []
serve.run_headless = lambda args: started.append("follower")
serve.run_server = lambda args: started.append("server")
serve.run_multi_api_server = lambda args: started.append("servers")
serve.uvloop.run = lambda coroutine: None
answers = []
for argv in json.loads(sys.stdin.read()):
    args = make_arg_parser(FlexibleArgumentParser()).parse_args(argv)
    validate_parsed_serve_args(args)
    AsyncEngineArgs.from_cli_args(args)
    answers.append({key: value for key, value in vars(args).items()})
    started.clear()
    serve.ServeSubcommand.cmd(args)
    answers[-1]["started"] = started[0]
print("ANSWER " + json.dumps(answers, default=str))
"""


def understood(*commands: list[str]) -> list[dict[str, Any]]:
    python = os.environ.get("ASSAY_VLLM_PYTHON")
    if not python:
        pytest.skip("needs ASSAY_VLLM_PYTHON, an interpreter with vLLM")
    done = subprocess.run(
        [python, "-c", READER],
        input=json.dumps(commands),
        env={**os.environ, "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    assert lines, done.stderr[-3000:]
    answers: list[dict[str, Any]] = json.loads(lines[-1].removeprefix("ANSWER "))
    return answers


def test_every_option_is_understood_as_it_is_meant() -> None:
    options = {
        "model": "/models/m",
        "served_model_name": "m",
        "tensor_parallel": 2,
        "pipeline_parallel": 3,
        "data_parallel": 4,
        "dtype": "bfloat16",
        "quantization": "fp8",
        "kv_cache_dtype": "fp8",
        "load_format": "dummy",
        "max_num_seqs": 512,
        "max_num_batched_tokens": 8192,
        "max_model_len": 4096,
        "gpu_memory_utilization": 0.8,
        "enforce_eager": True,
    }
    full = VllmEngine(VllmOptions(kind="vllm", **options, extra_args=("--seed", "7"))).command()  # type: ignore[arg-type]
    short = VllmEngine(VllmOptions(kind="vllm", model="/models/m", prefix_caching=True)).command()
    assert full[1:3] == short[1:3] == ["-m", MODULE]
    first, second = understood(*([*fill(command, python="", host="h", port=81)[3:]] for command in (full, short)))
    names = {f"{kind}_parallel": f"{kind}_parallel_size" for kind in ("tensor", "pipeline", "data")}
    for name, value in options.items():
        given = first[names.get(name, name)]
        assert given == ([value] if name == "served_model_name" else value), name
    assert (first["host"], first["port"], first["seed"]) == ("h", 81, 7)
    assert (first["enable_prefix_caching"], second["enable_prefix_caching"]) == (False, True)
    assert (second["enforce_eager"], second["served_model_name"]) == (False, ["/models/m"])
    assert {HOST, PORT} <= set(full), "placeholders of the launcher"


def test_a_leader_serves_and_its_followers_are_followers_over_ssh_hosts() -> None:
    nodes = [{"name": name, "accelerators": 4} for name in ("a", "b")]
    cluster = {"launcher": "ssh", "nodes": nodes, "nodes_per_server": 2}
    config = config_of({"engine": {"kind": "vllm", "model": "/m", "tensor_parallel": 8}, "cluster": cluster}, "test")
    (spec,) = server_specs(build_engine(config.engine), config.cluster)
    met = {NODES: "2", LEADER: "10.0.0.1", LEADER_PORT: "7000", HOST: "h", PORT: "81"}
    commands = [filled(part.argv, met) for part in parts(spec, config.cluster.groups()["a"])]
    assert (commands[0][1:3], commands[1][1:4]) == (["-m", MODULE], ["-m", *FOLLOWER])
    leader, follower = understood(commands[0][3:], commands[1][4:])
    for rank, answer in enumerate((leader, follower)):
        told = {"nnodes": 2, "node_rank": rank, "master_addr": "10.0.0.1", "master_port": 7000}
        assert {name: answer[name] for name in told} == told
    assert (leader["started"], follower["started"]) == ("server", "follower")


def test_a_leader_serves_and_its_followers_are_followers() -> None:
    cluster = {"launcher": "kubernetes", "replicas": 1, "accelerators": 4, "image": "i", "pods_per_server": 2}
    engine = {"kind": "vllm", "model": "/models/m", "tensor_parallel": 8}
    options: tuple[Any, Any] = (TypeAdapter(EngineOptions).validate_python(engine), None)
    files = export_files(
        "k8s", options[0], TypeAdapter(ClusterOptions).validate_python(cluster), "config: text\n", Path("results")
    )
    (workload,) = [one for one in yaml.safe_load_all(next(iter(files.values()))) if one["kind"] == "LeaderWorkerSet"]
    template = workload["spec"]["leaderWorkerTemplate"]
    commands = []
    for rank, kind in enumerate(("leaderTemplate", "workerTemplate")):
        command = template[kind]["spec"]["containers"][0]["command"]
        variables = {"LWS_GROUP_SIZE": "2", "LWS_WORKER_INDEX": str(rank), "LWS_LEADER_ADDRESS": "lead.er"}
        for name, value in variables.items():
            command = [word.replace(f"$({name})", value) for word in command]
        commands.append(command)
    assert commands[0][1:3] == ["-m", MODULE]
    assert commands[1][1:4] == ["-m", *FOLLOWER]
    leader, follower = understood(commands[0][3:], commands[1][4:])
    for rank, answer in enumerate((leader, follower)):
        assert (answer["nnodes"], answer["node_rank"], answer["master_addr"]) == (2, rank, "lead.er")
    assert (leader["started"], follower["started"]) == ("server", "follower")
