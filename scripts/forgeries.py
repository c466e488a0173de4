#!/usr/bin/env python3
"""Make true results on simulated servers, forge them in every known way, and see what the audit says of each.

Run from the repository: `python scripts/forgeries.py [--json]`. Nothing here measures a model. Exit code 1 where a
forgery passes or a true result is accused.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.audits import complaints
from tests.forgeries import folders, trees, true_runs, true_trees
from tests.forgeries.model import Forgery

from assay.audit import audit_path


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        found = _judge(Path(scratch))
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        print(f"{found['caught']} of {found['kinds']} kinds of forgery caught, {found['false_alarms']} false alarms")
        for line in (*found["missed"], *found["accused"]):
            print(f"  {line}")
    return 1 if found["missed"] or found["accused"] else 0


def _judge(scratch: Path) -> dict[str, Any]:
    true = true_runs.make(scratch / "runs")
    for name, make in true_trees.TREES.items():
        (scratch / "trees" / name).mkdir(parents=True)
        true[name] = make(scratch / "trees" / name)
    accused = [f"{name}: {words}" for name, root in true.items() for words in complaints(audit_path(root))]
    forgeries = [*folders.FORGERIES, *trees.FORGERIES]
    missed = list(_missed(forgeries, true, scratch / "forged"))
    return {
        "kinds": len(forgeries),
        "caught": len(forgeries) - len(missed),
        "false_alarms": len(accused),
        "missed": missed,
        "accused": accused,
    }


def _missed(forgeries: Sequence[Forgery], true: Mapping[str, Path], forged: Path) -> Iterator[str]:
    """Forgeries that the rule which they name doesn't object to."""
    for forgery in forgeries:
        root = Path(shutil.copytree(true[forgery.base], forged))
        forgery.change(root)
        found = sorted({finding.rule for finding in audit_path(root).problems})
        if forgery.rule not in found:
            yield f"{forgery.base}: {forgery.name}: not by {forgery.rule}; by {', '.join(found) or 'none'}"
        shutil.rmtree(forged)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
