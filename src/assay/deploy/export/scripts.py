"""Plain scripts: one that runs the benchmark, one that shows nodes and jobs while it runs."""

from __future__ import annotations

from collections.abc import Sequence

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


def run_script() -> str:
    """`run_benchmarks.sh`."""
    return RUN


def monitor_script(lines: Sequence[str]) -> str:
    """`monitor_benchmarks.sh` around the lines that show the nodes and the scheduler."""
    return MONITOR.replace("@LOOK@", "\n".join(f"  {line}" for line in lines))
