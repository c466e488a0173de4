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
if ! command -v "$ASSAY" >/dev/null; then
  echo "no $ASSAY here: install a bundle (\\`assay bundle\\` makes one elsewhere), or set ASSAY to where it is" >&2
  exit 127
fi
@DEFINED@"$ASSAY" check assay.yaml@SETTINGS@
"$ASSAY" run assay.yaml@SETTINGS@ "$@" 2>&1 | tee -i -a run_benchmarks.log # an interrupt is assay's to answer
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


def run_script(overrides: Sequence[str] = ()) -> str:
    """`run_benchmarks.sh`; `overrides` are the settings beside those of the file."""
    words = shlex.join(word for override in overrides for word in ("--set", override))
    defined = f"# Set beside the file's own, as it stands here.\n# shellcheck disable=SC2016\nSETTINGS=({words})\n"
    return RUN.replace("@DEFINED@", defined if words else "").replace(
        "@SETTINGS@", ' "${SETTINGS[@]}"' if words else ""
    )


def monitor_script(lines: Sequence[str], results: str) -> str:
    """`monitor_benchmarks.sh` around the lines that show the nodes and the scheduler; campaigns are in `results`."""
    looks = "\n".join(f"  {line} || unseen=1" for line in lines)
    return MONITOR.replace("@RESULTS@", shlex.quote(results)).replace("@LOOK@", looks)
