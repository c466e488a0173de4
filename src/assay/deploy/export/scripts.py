"""Plain scripts: one that runs the benchmark, one that shows nodes and jobs while it runs."""

from __future__ import annotations

import shlex

from assay.cluster.options import (
    ClusterOptions,
    DockerOptions,
    KubernetesOptions,
    SlurmOptions,
    SshNode,
    SshOptions,
    TorchxOptions,
)

RUN = """\
#!/bin/bash
# Checks the nodes, then runs the benchmark that assay.yaml beside this script describes.
# Arguments go to `assay run`; ASSAY names another assay.
set -euo pipefail
cd "$(dirname "$0")"
ASSAY=${ASSAY:-assay}
"$ASSAY" check assay.yaml
"$ASSAY" run assay.yaml "$@" 2>&1 | tee -a run_benchmarks.log
"""
MONITOR = """\
#!/bin/bash
# Shows accelerators, servers and runs every SECONDS (the first argument; 10) until it is interrupted; `once` ends
# after one look.
set -uo pipefail
cd "$(dirname "$0")"
ASSAY=${ASSAY:-assay}
look() {
  date -u +%FT%TZ
@LOOK@
  "$ASSAY" runs
}
[ "${1:-}" = once ] && { look; exit 0; }
while :; do look; sleep "${1:-10}"; done
"""
GPUS = (
    "nvidia-smi",
    "--query-gpu=index,name,utilization.gpu,memory.used,memory.total,power.draw,temperature.gpu,clocks.sm",
    "--format=csv,noheader",
)


def run_script() -> str:
    """`run_benchmarks.sh`."""
    return RUN


def monitor_script(cluster: ClusterOptions) -> str:
    """`monitor_benchmarks.sh` for the nodes and the scheduler of `cluster`."""
    return MONITOR.replace("@LOOK@", "\n".join(f"  {line}" for line in _lines(cluster)))


def _lines(cluster: ClusterOptions) -> list[str]:
    if isinstance(cluster, SshOptions) or (isinstance(cluster, DockerOptions) and cluster.ssh):
        return [line for node in cluster.nodes for line in _over_ssh(node, cluster)]
    if isinstance(cluster, SlurmOptions):
        return ['squeue --me -o "%i %j %T %r %N %M"']
    if isinstance(cluster, KubernetesOptions):
        chosen = [f"--context={cluster.context}"] if cluster.context else []
        chosen += [f"--kubeconfig={cluster.kubeconfig}"] if cluster.kubeconfig else []
        command = ["kubectl", *chosen, "-n", cluster.namespace, "get", "pods", "-l", "assay/run", "-o", "wide"]
        return [shlex.join(command)]
    if isinstance(cluster, TorchxOptions):
        return [shlex.join(["torchx", "list", "-s", cluster.scheduler])]
    lines = [f"command -v nvidia-smi >/dev/null && {shlex.join(GPUS)}"]
    return [*lines, "docker ps --filter label=assay.run"] if isinstance(cluster, DockerOptions) else lines


def _over_ssh(node: SshNode, cluster: SshOptions | DockerOptions) -> list[str]:
    command = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    command += ["-F", cluster.config_file] if cluster.config_file else []
    command += ["-i", cluster.key_file] if cluster.key_file else []
    command += ["-o", f"UserKnownHostsFile={cluster.known_hosts}"] if cluster.known_hosts else []
    command += ["-J", node.jump] if node.jump else []
    command += ["-p", str(node.port)] if node.port else []
    user = node.user or cluster.user
    address = node.address or node.name
    command += ["--", f"{user}@{address}" if user else address]
    remote = f"command -v nvidia-smi >/dev/null && {shlex.join(GPUS)} || uptime"
    return [f"echo {shlex.quote(node.name)}", shlex.join([*command, remote])]
