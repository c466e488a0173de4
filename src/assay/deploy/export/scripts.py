"""Plain scripts: one that runs the benchmark, one that shows nodes and jobs while it runs."""

from __future__ import annotations

import shlex
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
# Shows how the newest campaign goes, and what its nodes do, every SECONDS (the first argument; 10) until it is
# interrupted. `once` ends after one look: with 0, or with 1 where something couldn't be seen, and a message says what.
# ASSAY names another assay; without one the campaign's files are read as they are.
set -uo pipefail
shopt -s nullglob
cd "$(dirname "$0")" || exit 1
ASSAY=${ASSAY:-assay}
RESULTS=@RESULTS@
nodes() {
@LOOK@
}
campaign() {
  if command -v "$ASSAY" >/dev/null; then
    "$ASSAY" watch --once --output "$RESULTS"
    return
  fi
  local runs=("$RESULTS"/*/runs/*/) # their names begin with the time
  [ ${#runs[@]} -gt 0 ] || { echo "no run in $RESULTS" >&2; return 1; }
  local run=${runs[-1]}
  echo "$run"
  # What stands before the endpoints in a line of progress: phase, samples, tokens.
  tail -n 1 "${run}progress.jsonl" | sed 's/,"endpoints":.*//' || return
  [ ! -e "${run}alerts.jsonl" ] || tail -n 3 "${run}alerts.jsonl" || return
  [ ! -e "${run}driver.log" ] || tail -n 4 "${run}driver.log"
}
look() {
  unseen=0
  date -u +%FT%TZ
  nodes
  campaign || unseen=1
}
if [ "${1:-}" = once ]; then
  look
  exit "$unseen"
fi
while :; do
  look
  sleep "${1:-10}" || exit
done
"""


def run_script() -> str:
    """`run_benchmarks.sh`."""
    return RUN


def monitor_script(lines: Sequence[str], results: str) -> str:
    """`monitor_benchmarks.sh` around the lines that show the nodes and the scheduler; campaigns are in `results`."""
    looks = "\n".join(f"  {line} || unseen=1" for line in lines)
    return MONITOR.replace("@RESULTS@", shlex.quote(results)).replace("@LOOK@", looks)
