"""What each kind of export consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from assay.cluster.build import EXPORTERS, build_launcher
from assay.cluster.options import ClusterOptions
from assay.deploy.export.scripts import monitor_script, run_script
from assay.deploy.specs import server_specs
from assay.engines import EngineOptions, build_engine
from assay.errors import UserError

ExportKind = Literal["k8s", "slurm", "scripts"]
KINDS: tuple[ExportKind, ...] = get_args(ExportKind)
LABEL = "export"


def export_files(
    kind: ExportKind,
    engine: EngineOptions,
    cluster: ClusterOptions,
    config: str,
    results: Path,
    overrides: Sequence[str] = (),
) -> dict[str, str]:
    """File name: text.

    `config` is the text of the assay.yaml that it all comes from, `overrides` what was set besides (`a.b=c`), `results`
    the `output` of both.
    Raises UserError where `cluster` has another launcher than `kind` needs.
    """
    launcher = build_launcher(cluster, LABEL, Path())
    if kind == "scripts":
        return {
            "assay.yaml": config,
            "run_benchmarks.sh": run_script(overrides),
            "monitor_benchmarks.sh": monitor_script(launcher.monitor(), str(results)),
        }
    specs = server_specs(build_engine(engine), cluster)
    if not specs:
        raise UserError("engine.kind external starts no servers: there is nothing to export")
    if cluster.launcher != EXPORTERS[kind]:
        raise UserError(f"export {kind} needs `cluster: {{launcher: {EXPORTERS[kind]}}}`, not {cluster.launcher}")
    return launcher.export(specs)


def write_files(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write what `export_files` gave; scripts become executable. Raises UserError rather than write over a file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if there := [name for name in files if (folder / name).exists()]:
            raise UserError(f"{folder}: {', '.join(there)} exists already: name another folder")
        return [_written(folder / name, text) for name, text in files.items()]
    except OSError as error:
        raise UserError(f"{error.filename or folder}: can't be written: {error.strerror or error}") from None


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if path.suffix == ".sh":
        path.chmod(0o755)
    return path
