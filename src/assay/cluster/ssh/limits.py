"""What this machine must allow for so many connections."""

from __future__ import annotations

import resource

from assay.errors import UserError

BESIDES = 200
"""Open files of the rest of this process: logs, control requests under way, libraries."""


def require_files(wanted: int, what: str) -> None:
    """Raise this process's limit of open files to what `wanted` of them need, beside its own.

    Raises UserError where the hard limit is below that.
    """
    needed = wanted + BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UserError(
            f"{what} take {needed} open files, and this process may have {hard}: raise its limit before it starts "
            f"(`ulimit -Hn {needed}` as root, LimitNOFILE of its service, or nofile in /etc/security/limits.conf)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
