"""Words that a template left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.audit.evidence import Evidence
from assay.audit.registry import Check, evidence_rule
from assay.audit.verdicts import Judgement

_RESIDUE = re.compile(
    r"\$\([^)]*\)|\$\{[^}]*\}|\{\{.*?\}\}|\{%.*?%\}|%\(\w+\)[sd]|\b(?:TODO|TBD|FIXME|XXX)\b|\blorem ipsum\b"
    r"|\bNaN\b|\bundefined\b|(?<![\w.])[-+]?(?:nan|inf|infinity)(?![\w.])",
    re.IGNORECASE,
)


@evidence_rule(
    "template-residue",
    explain="""
A report with $(date), ${VAR}, {{ value }}, NaN, inf, TODO, TBD or FIXME where a figure or a date belongs wasn't filled
in by a run. Looked at: every text and field of a claims file, the figures and words of result.json, and the figures
of LoadGen's summary.
""",
    source="the files' own text",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for text in evidence.texts:
        match = _RESIDUE.search(text.text)
        if match:
            words = " ".join(text.text.split())[:120]
            found = f"{match[0]!r} where a value belongs"
            yield Check(Judgement.UNSUPPORTED, words, found, subject=text.where, where=text.where)
