"""What each kind of export consists of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import yaml

from assay.cluster.kubernetes.check import rights
from assay.cluster.kubernetes.manifests import manifests, name_of
from assay.cluster.local import GUARD
from assay.cluster.options import ClusterOptions, KubernetesOptions, SlurmOptions, nodes_of
from assay.cluster.slurm.script import sbatch_script
from assay.deploy.export.scripts import monitor_script, run_script
from assay.engines import EngineOptions, build_engine
from assay.errors import UserError

ExportKind = Literal["k8s", "slurm", "scripts"]
KINDS: tuple[ExportKind, ...] = get_args(ExportKind)


def export_files(kind: ExportKind, engine: EngineOptions, cluster: ClusterOptions, config: str) -> dict[str, str]:
    """File name: text. `config` is the text of the assay.yaml that it all comes from.

    Raises UserError where `cluster` has another launcher than `kind` needs.
    """
    if kind == "scripts":
        return {
            "assay.yaml": config,
            "run_benchmarks.sh": run_script(),
            "monitor_benchmarks.sh": monitor_script(cluster),
        }
    specs = build_engine(engine).servers(nodes_of(cluster))
    if not specs:
        raise UserError("engine.kind external starts no servers: there is nothing to export")
    if kind == "k8s":
        if not isinstance(cluster, KubernetesOptions):
            raise UserError(f"export k8s needs `cluster: {{launcher: kubernetes}}`, not {cluster.launcher}")
        objects = manifests(specs, cluster, LABEL)
        secret = "".join(f" --from-literal={name}=..." for name in specs[0].secret_env)
        head = f"# First: kubectl -n {cluster.namespace} create secret generic {name_of(LABEL)}{secret}\n"
        return {
            "assay-servers.yaml": (head if secret else "") + yaml.safe_dump_all(objects, sort_keys=False),
            "assay-role.yaml": yaml.safe_dump(_role(cluster), sort_keys=False),
        }
    if not isinstance(cluster, SlurmOptions):
        raise UserError(f"export slurm needs `cluster: {{launcher: slurm}}`, not {cluster.launcher}")
    folder = Path(cluster.folder) / LABEL
    scripts = {
        f"{spec.name}.sh": sbatch_script(spec, cluster, LABEL, number, folder) for number, spec in enumerate(specs)
    }
    return {**scripts, "guard.py": GUARD.read_text(), "README.txt": _slurm_readme(list(scripts), folder)}


LABEL = "export"


def _role(cluster: KubernetesOptions) -> dict[str, object]:
    """The rights that assay needs in its namespace, to be bound to whoever runs it."""
    rules = [
        {"apiGroups": [group], "resources": [name], "verbs": list(verbs)} for group, name, verbs in rights(cluster)
    ]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "assay", "namespace": cluster.namespace},
        "rules": rules,
    }


def _slurm_readme(scripts: list[str], folder: Path) -> str:
    lines = [f"Copy these files to {folder} on the file system that the nodes share, then:"]
    lines += [f"    sbatch {folder / script}" for script in scripts]
    lines += [
        f"Each server writes its node and port to {folder}/NAME.address and its output to {folder}/NAME.log.",
        "Name the servers as endpoints of an engine of kind external to benchmark them.",
    ]
    return "\n".join(lines) + "\n"


def write_files(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write what `export_files` gave; scripts become executable. Raises UserError rather than write over a file."""
    folder.mkdir(parents=True, exist_ok=True)
    if there := [name for name in files if (folder / name).exists()]:
        raise UserError(f"{folder}: {', '.join(there)} exists already: name another folder")
    written = []
    for name, text in files.items():
        path = folder / name
        path.write_text(text)
        if name.endswith(".sh"):
            path.chmod(0o755)
        written.append(path)
    return written
