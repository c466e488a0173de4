"""What the machine that sends the load must have: files that the configuration names, and room for results."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from assay.config import Config
from assay.engines.options import ExternalOptions
from assay.errors import UserError
from assay.plain_files import plain
from assay.serving.health import CheckOutcome, CheckRow, judged

HERE = "controller"


def controller_rows(config: Config) -> list[CheckRow]:
    """A row for each file that is named, and one for the output folder."""
    rows = [_output(config.output)]
    for check, path, mend in (("audit.config", config.loadgen.audit_config, "correct loadgen.audit_config"),):
        if path is not None:
            rows.append(judged(HERE, check, *_readable(path), mend, required=True))
    for where, certificates in _certificate_files(config):
        rows.append(judged(HERE, "certificates", *_certificates(certificates), f"correct {where}", required=True))
    return rows


def require_controller(config: Config) -> None:
    """Raises UserError, a line a row, where a run would fail for what is wrong here: before anything is started."""
    failed = [row for row in controller_rows(config) if row.outcome is CheckOutcome.FAILED]
    if failed:
        raise UserError("\n".join(f"{row.check}: {row.detail}: {row.mend}" for row in failed))


def _certificate_files(config: Config) -> list[tuple[str, Path]]:
    """Each file once, and where it is named first; also those that only an https address would need."""
    named = [("load.ca_file", config.load.ca_file)]
    if isinstance(config.engine, ExternalOptions):
        named.append(("engine.ca_file", config.engine.ca_file))
        named += [("engine.endpoints: ca_file", endpoint.ca_file) for endpoint in config.engine.endpoints]
    found: dict[Path, str] = {}
    for where, path in named:
        if path is not None:
            found.setdefault(path, where)
    return [(where, path) for path, where in found.items()]


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
    try:
        while not there.exists():
            there = there.parent
        with tempfile.TemporaryFile(dir=there):
            pass
        detail, passed = f"{folder} can be written", True
    except OSError as error:
        detail, passed = f"{there} can't be written: {os.strerror(error.errno or 0)}", False
    return judged(
        HERE,
        "output",
        passed,
        5,
        detail,
        "choose another folder with `output` (`assay bench`: --results)",
        required=True,
    )
