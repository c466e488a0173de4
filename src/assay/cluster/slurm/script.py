"""The sbatch script of one server, or of an array of them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from assay.cluster.options import SlurmOptions
from assay.cluster.slurm.batch import Batch
from assay.serving.servers import HOST, PORT, PYTHON

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - a job can't know on which of its node's addresses it will be reached

PORTS_A_SERVER = 20
MOST_ON_A_NODE = 1000
"""Servers whose search for a port begins elsewhere; with more the numbers of ports would come to an end."""


def job_name(label: str) -> str:
    """All jobs of a run have one name, so that one scancel ends them."""
    return f"assay-{label}"


def sbatch_script(batch: Batch, options: SlurmOptions, label: str, folder: PurePath) -> str:
    """A script that finds a free port, tells it and its job in `<name>.address`, and becomes the server's guard.

    Of an array each job takes its own server. Two servers that start on one node at once begin their search at
    different ports, by their numbers. Accelerators come from Slurm, which sets CUDA_VISIBLE_DEVICES.
    """
    spec = batch.spec
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in directives(batch, options, label, folder)), "set -eu"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in spec.env.items()]
    lines += [*options.setup, *_which(batch)]
    lines += [f"assay_base={shlex.quote(str(folder))}/$assay_name"]
    if spec.port:
        lines += [f"port={spec.port}"]
    else:
        lines += [f"port=$(({options.port_base} + {PORTS_A_SERVER} * (assay_number % {MOST_ON_A_NODE})))"]
        lines += ['while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done']
    told = '"${SLURMD_NODENAME:-$(hostname)}" "$port" "${SLURM_JOB_ID:-}"'
    lines += [f'printf "%s %s %s\\n" {told} > "$assay_base.address.part"']
    lines += ['mv "$assay_base.address.part" "$assay_base.address"']
    guard = shlex.join([options.python, "-I", "-S", str(folder / "guard.py"), "--status"])
    lines += [f'exec {guard} "$assay_base.exit" -- {_command(spec.argv, options.python)}']
    return "\n".join(lines) + "\n"


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
    spec, count = batch.spec, len(batch.servers)
    values: dict[str, object] = {
        "job-name": job_name(label),
        "comment": f"assay {label} {spec.name}" + (f" and {count - 1} more" if batch.is_array else ""),
        "output": folder / batch.log("%a"),
        "array": f"0-{count - 1}" if batch.is_array else None,
        "nodes": 1,
        "ntasks": 1,
        "time": options.time_limit,
        "partition": options.partition,
        "account": options.account,
        "qos": options.qos,
        "constraint": options.constraint,
        "nodelist": spec.node if options.pin else None,
        "gres": f"{options.gres}:{len(spec.accelerators)}" if spec.accelerators else None,
        "cpus-per-task": options.cpus_per_task,
        "mem": options.memory,
    }
    chosen = [f"--{name}={_argument(str(value))}" for name, value in values.items() if value is not None]
    # A job that Slurm starts again after a node's failure would be a server that nobody asked for.
    return [*chosen, "--no-requeue", *(["--exclusive"] if options.exclusive else []), *options.extra]


def _argument(value: str) -> str:
    """sbatch reads a directive as a shell would, quotes and comments included; no value holds a quote."""
    return f'"{value}"' if " " in value or "#" in value else value


def _command(argv: Sequence[str], python: str) -> str:
    words = [argument.replace(PYTHON, python).replace(HOST, ALL_ADDRESSES) for argument in argv]
    # Quoting puts the placeholder, whose braces are special, between single quotes.
    return " ".join(shlex.quote(word).replace(PORT, "'\"$port\"'") for word in words)
