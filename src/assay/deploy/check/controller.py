"""What the machine that sends the load must have: files that the configuration names, and room for results."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from assay.config import Config
from assay.plain_files import plain
from assay.serving.health import CheckRow, judged

HERE = "controller"


def controller_rows(config: Config) -> list[CheckRow]:
    """A row a file that is named, and one for the output folder."""
    rows = [_output(config.output)]
    for check, path, mend in (("audit.config", config.loadgen.audit_config, "correct loadgen.audit_config"),):
        if path is not None:
            rows.append(judged(HERE, check, *_readable(path), mend, required=True))
    if (certificates := config.load.ca_file) is not None:
        rows.append(judged(HERE, "certificates", *_certificates(certificates), "correct load.ca_file", required=True))
    return rows


def _readable(path: Path) -> tuple[bool, int, str]:
    try:
        plain(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return False, 3, f"{path} can't be read: {error}"
    return True, 3, str(path)


def _certificates(path: Path) -> tuple[bool, int, str]:
    try:
        ssl.create_default_context(cafile=plain(path))
    except (OSError, ssl.SSLError) as error:
        return False, 3, f"{path} holds no certificates that can be read: {error}"
    return True, 3, str(path)


def _output(folder: Path) -> CheckRow:
    """Tried with a file that has no name and leaves nothing behind, in what there is of the path so far."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
        detail, passed = f"{folder} can be written", True
    except OSError as error:
        detail, passed = f"{there} can't be written: {os.strerror(error.errno or 0)}", False
    return judged(HERE, "output", passed, 5, detail, "choose another folder with `output`", required=True)
