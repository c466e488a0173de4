"""LoadGen's accuracy log as submissions hold it: cut to its two ends, with the hash of the whole in `accuracy.txt`.

As MLCommons' truncate_accuracy_log.py does it (mlcommons/inference b66003e1, tools/submission): 4,096 bytes of each
end; a log of fewer stays as it is. The checker refuses more than 10 KiB.
"""

from __future__ import annotations

import hashlib

from assay.scoring import CUT_MARK

END_BYTES = 4096


def cut(log: bytes) -> bytes:
    """The two ends of a log, with the mark between them that says that it was cut."""
    return log if len(log) < END_BYTES else log[:END_BYTES] + CUT_MARK + log[-END_BYTES:]


def with_hash(accuracy_txt: str, log: bytes) -> str:
    """The scores, and the hash of the log that they were computed from."""
    return f"{accuracy_txt}\nhash={hashlib.sha256(log).hexdigest()}\n"
