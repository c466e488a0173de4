"""Evidence from a results tree: every folder that holds LoadGen's logs or the MLPerf Endpoints client's results."""

from __future__ import annotations

from pathlib import Path

from assay.audit.evidence import Evidence, Origin
from assay.audit.readers.endpoints import endpoints_folders, is_endpoints_folder, read_endpoints_folder
from assay.audit.readers.loadgen import is_log_folder, log_folders, log_texts, read_log_folder
from assay.errors import UserError


def is_result_folder(folder: Path) -> bool:
    return is_log_folder(folder) or is_endpoints_folder(folder)


def result_folders(root: Path) -> list[Path]:
    """Every folder below `root` that holds results, sorted."""
    return sorted({*log_folders(root), *endpoints_folders(root)})


def read_tree(root: Path, folders: list[Path] | None = None) -> Evidence:
    """Every run of a results tree, or those of its `folders`. Raises UserError where there is none."""
    folders = result_folders(root) if folders is None else folders
    if not folders:
        raise UserError(f"{root}: no LoadGen logs, run folder, campaign or claims file here; give the path of one")
    evidence = Evidence(path=str(root), kind="LoadGen logs")
    for folder in folders:
        if is_log_folder(folder):
            evidence.runs.append(read_log_folder(folder, root))
        if is_endpoints_folder(folder):
            evidence.runs += read_endpoints_folder(folder, root)
    origins = {run.origin for run in evidence.runs}
    if Origin.SUBMISSION in origins or any(run.division for run in evidence.runs):
        evidence.kind = "MLPerf results tree"
    elif Origin.ENDPOINTS in origins:
        evidence.kind = "MLPerf Endpoints results"
    evidence.texts = [text for run in evidence.runs for text in log_texts(run)]
    return evidence
