"""LoadGen's `audit.config` for a run: MLPerf's compliance tests, or the user's own file."""

from __future__ import annotations

from assay.config import Config
from assay.errors import UserError
from assay.runs.campaign import RunEntry

AUDIT_CONFIG = "audit.config"
# MLPerf Inference v6.1, compliance/TEST06: a performance run (mode 2) that logs about 100 answers, of 100 queries or
# more, drawn at random instead of in whole epochs.
_SETTINGS = {
    "TEST06": {
        "mode": 2,
        "accuracy_log_rng_seed": 720381539243781796,
        "accuracy_log_sampling_target": 100,
        "min_query_count": 100,
        "min_duration": 0,
        "sample_concatenate_permutation": 0,
    }
}


def audit_config(entry: RunEntry, config: Config) -> str | None:
    """What `audit.config` must say in the run's folder; None: the run has none.

    Raises UserError where the user's file can't be read.
    """
    if entry.compliance is not None:
        settings = _SETTINGS[entry.compliance]
        return "".join(f"*.*.{name} = {value}\n" for name, value in settings.items())
    own = config.loadgen.audit_config
    if own is None or entry.mode != "performance":
        return None
    try:
        return own.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"loadgen.audit_config: {own} can't be read: {error}") from None
