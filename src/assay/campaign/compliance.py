"""LoadGen's `audit.config` for a run: MLPerf's compliance tests, or the user's own file."""

from __future__ import annotations

from assay.benchmarks.mlperf import COMPLIANCE
from assay.config import Config
from assay.errors import UserError
from assay.plain_files import plain
from assay.runs.campaign import RunEntry


def audit_config(entry: RunEntry, config: Config) -> str | None:
    """What `audit.config` must say in the run's folder; None: the run has none.

    Raises UserError where the user's file can't be read.
    """
    if entry.compliance is not None:
        settings = COMPLIANCE[entry.compliance]
        return "".join(f"*.*.{name} = {value}\n" for name, value in settings.items())
    own = config.loadgen.audit_config
    if own is None or entry.mode != "performance":
        return None
    try:
        return plain(own).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"loadgen.audit_config: {own} can't be read: {error}") from None
