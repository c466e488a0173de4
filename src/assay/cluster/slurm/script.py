"""The sbatch script of one server."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from assay.cluster.options import SlurmOptions
from assay.serving.servers import HOST, PORT, PYTHON, ServerSpec

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - a job can't know on which of its node's addresses it will be reached


def job_name(label: str) -> str:
    """All jobs of a run have one name, so that one scancel ends them."""
    return f"assay-{label}"


def sbatch_script(spec: ServerSpec, options: SlurmOptions, label: str, number: int, folder: PurePath) -> str:
    """A script that finds a free port, tells it in `<name>.address`, and becomes the server's guard.

    `number` counts the run's servers; two that start on one node at once begin their search at different ports.
    Accelerators come from Slurm, which sets CUDA_VISIBLE_DEVICES.
    """
    base = folder / spec.name
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in directives(spec, options, label, folder)), "set -eu"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in spec.env.items()]
    lines += options.setup
    if spec.port:
        lines += [f"port={spec.port}"]
    else:
        lines += [f"port={options.port_base + 20 * number}"]
        lines += ['while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done']
    address = shlex.quote(f"{base}.address")
    part = shlex.quote(f"{base}.address.part")
    lines += [f'printf "%s %s\\n" "${{SLURMD_NODENAME:-$(hostname)}}" "$port" > {part} && mv {part} {address}']
    guard = [options.python, "-I", "-S", str(folder / "guard.py"), "--status", f"{base}.exit", "--"]
    lines += [f"exec {shlex.join(guard)} {_command(spec.argv, options.python)}"]
    return "\n".join(lines) + "\n"


def directives(spec: ServerSpec, options: SlurmOptions, label: str, folder: PurePath) -> list[str]:
    """The options of sbatch, in their long form."""
    values: dict[str, object] = {
        "job-name": job_name(label),
        "comment": f"assay {label} {spec.name}",
        "output": folder / f"{spec.name}.log",
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
