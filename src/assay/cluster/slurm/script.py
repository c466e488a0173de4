"""The sbatch script of one server, or of an array of them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from assay.cluster.options import SlurmOptions
from assay.cluster.slurm.batch import Batch
from assay.serving.servers import (
    HOST,
    LEADER,
    LEADER_PORT,
    NODES,
    PORT,
    PYTHON,
    RANK,
    ServerSpec,
    filled,
)

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - a job can't know on which of its node's addresses it will be reached

PORTS_A_SERVER = 20
MOST_ON_A_NODE = 1000
"""Servers whose search for a port begins elsewhere; with more the numbers of ports would come to an end."""
_STRANGER = "cluster.nodes has none by the name that Slurm has for this node"
_VARIABLES = {PORT: "port", RANK: "assay_rank", LEADER: "assay_leader", LEADER_PORT: "assay_leader_port"}
"""What the script finds out itself, by the placeholder that it takes the place of."""


def job_name(label: str) -> str:
    """All jobs of a run have one name, so that one scancel ends them."""
    return f"assay-{label}"


def sbatch_script(batch: Batch, options: SlurmOptions, label: str, folder: PurePath) -> str:
    """A script that finds a free port, tells it and its job in `<name>.address`, and becomes the server's guard.

    Of an array each job takes its own server. Two servers that start on one node at once begin their search at
    different ports, by their numbers. Accelerators come from Slurm, which sets CUDA_VISIBLE_DEVICES. Of a server over
    several nodes each runs the script again, as a task of one step, and its followers wait for the leader's address.
    """
    spec = batch.spec
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in directives(batch, options, label, folder)), "set -eu"]
    lines += on_every_node(folder / batch.script) if spec.spread else []
    lines += [f"export {name}={shlex.quote(value)}" for name, value in spec.env.items()]
    lines += [*options.setup, *_which(batch)]
    lines += [f"assay_base={shlex.quote(str(folder))}/$assay_name"]
    guard = shlex.join([options.python, "-I", "-S", str(folder / "guard.py"), "--status"])
    lines += follower_lines(batch, options, guard) if spec.spread else []
    if spec.port:
        lines += [f"port={spec.port}"]
    else:
        lines += [f"port=$(({options.port_base} + {PORTS_A_SERVER} * (assay_number % {MOST_ON_A_NODE})))"]
        lines += [_next_free("port")]
    told = "${SLURMD_NODENAME:-$(hostname)} $port ${SLURM_JOB_ID:-}"
    if spec.spread:
        lines += ["assay_leader_port=$((port + 1))", _next_free("assay_leader_port")]
        told += " $assay_leader_port ${assay_nodes[*]}"
    lines += [f'printf "%s\\n" "{told}" > "$assay_base.address.part"']
    lines += ['mv "$assay_base.address.part" "$assay_base.address"']
    argv = spec.spread.leader if spec.spread else spec.argv
    lines += [f'exec {guard} "$assay_base.exit" -- {_command(argv, options)}']
    return "\n".join(lines) + "\n"


def on_every_node(script: PurePath) -> list[str]:
    """One step of a task a node, which ends as a whole when one of them does."""
    # CPUs are those of the whole job on each node: srun would bind a task to one of them.
    step = ["srun", "--overlap", "--ntasks-per-node=1", "--cpu-bind=none", "--kill-on-bad-exit=1", "--wait=1"]
    return [
        'if [ -z "${ASSAY_ON_EVERY_NODE:-}" ]; then',
        "export ASSAY_ON_EVERY_NODE=1",
        f"exec {shlex.join([*step, 'bash', str(script)])}",
        "fi",
    ]


def follower_lines(batch: Batch, options: SlurmOptions, guard: str) -> list[str]:
    """Which of the server's nodes this is, where its leader is, and what all but the leader do."""
    spec = batch.spec
    assert spec.spread is not None
    named = " ".join(map(shlex.quote, _nodes_of(spec, options)))
    chosen = '$(scontrol show hostnames "$SLURM_JOB_NODELIST")'
    part = '"${assay_base}_$assay_rank'
    return [
        f"assay_nodes=({named if options.pin else chosen})",
        "assay_rank=0",
        f'until [ "${{assay_nodes[$assay_rank]:?{_STRANGER}}}" = "$SLURMD_NODENAME" ]; do',
        "assay_rank=$((assay_rank + 1))",
        "done",
        "assay_leader=$(scontrol -o show node \"${assay_nodes[0]}\" | sed -n 's/.* NodeAddr=\\([^ ]*\\).*/\\1/p')",
        "assay_leader=${assay_leader:-${assay_nodes[0]}}",
        'if [ "$assay_rank" != 0 ]; then',
        'until [ -e "$assay_base.address" ]; do sleep 0.5; done',
        'read -r assay_node port assay_job assay_leader_port assay_rest < "$assay_base.address"',
        f'exec {guard} {part}.exit" -- {_command(spec.spread.follower, options)} > {part}.log" 2>&1',
        "fi",
    ]


def _nodes_of(spec: ServerSpec, options: SlurmOptions) -> list[str]:
    """The names of the nodes that its job asks for, the leader's first."""
    return [node.name for node in options.groups()[spec.node]] if spec.spread else [spec.node]


def _next_free(variable: str) -> str:
    """Counts a port up until nobody listens on it."""
    return f'while (exec 3<>"/dev/tcp/127.0.0.1/${variable}") 2>/dev/null; do {variable}=$(({variable} + 1)); done'


def _which(batch: Batch) -> list[str]:
    """Which server a job is: its name and its number."""
    names = [shlex.quote(spec.name) for _, spec in batch.servers]
    numbers = [str(number) for number, _ in batch.servers]
    if not batch.is_array:
        return [f"assay_name={names[0]}", f"assay_number={numbers[0]}"]
    return [
        f"assay_names=({' '.join(names)})",
        f"assay_numbers=({' '.join(numbers)})",
        "assay_name=${assay_names[$SLURM_ARRAY_TASK_ID]}",
        "assay_number=${assay_numbers[$SLURM_ARRAY_TASK_ID]}",
    ]


def directives(batch: Batch, options: SlurmOptions, label: str, folder: PurePath) -> list[str]:
    """The options of sbatch, in their long form."""
    spec, count, size = batch.spec, len(batch.servers), options.nodes_per_server
    values: dict[str, object] = {
        "job-name": job_name(label),
        "comment": f"assay {label} {spec.name}" + (f" and {count - 1} more" if batch.is_array else ""),
        "output": folder / batch.log("%a"),
        "array": f"0-{count - 1}" if batch.is_array else None,
        "nodes": size,
        "ntasks": size,
        "ntasks-per-node": 1 if size > 1 else None,
        "time": options.time_limit,
        "partition": options.partition,
        "account": options.account,
        "qos": options.qos,
        "constraint": options.constraint,
        "nodelist": ",".join(_nodes_of(spec, options)) if options.pin else None,
        "gres": f"{options.gres}:{len(spec.accelerators) // size}" if spec.accelerators else None,
        "cpus-per-task": options.cpus_per_task,
        "mem": options.memory,
    }
    chosen = [f"--{name}={_argument(str(value))}" for name, value in values.items() if value is not None]
    # A job that Slurm starts again after a node's failure would be a server that nobody asked for.
    return [*chosen, "--no-requeue", *(["--exclusive"] if options.exclusive else []), *options.extra]


def _argument(value: str) -> str:
    """sbatch reads a directive as a shell would, quotes and comments included; no value holds a quote."""
    return f'"{value}"' if " " in value or "#" in value else value


def _command(argv: Sequence[str], options: SlurmOptions) -> str:
    known = {PYTHON: options.python, HOST: ALL_ADDRESSES, NODES: str(options.nodes_per_server)}
    words = [shlex.quote(word) for word in filled(argv, known)]
    # Quoting puts a placeholder, whose braces are special, between single quotes.
    return " ".join(filled(words, {placeholder: f"'\"${name}\"'" for placeholder, name in _VARIABLES.items()}))
