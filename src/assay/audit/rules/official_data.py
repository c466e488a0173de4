"""An MLPerf result is one on MLPerf's samples."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.benchmarks import UNVERIFIED


@run_rule(
    "official-data",
    explain="""
A benchmark's samples are recognised by their token ids, not by the name of a file. A run on others can't be VALID nor
go by their name; where what the ids must be isn't known, the data set is an unverified copy, and a result that is
called VALID says so. Records of earlier versions don't hold the ids' SHA-256, and aren't judged.
""",
    source="run.json: dataset_tokens_sha256, dataset_name; the benchmark's dataset.tokens_sha256",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.origin is not Origin.RUN or run.copy is None:
        return
    if run.named_official and run.copy != "official":
        yield contradicted("the data set goes by the benchmark's name", f"by its token ids it is {_WORDS[run.copy]}")
    elif run.claims_valid and run.copy == "other":
        yield contradicted("VALID", f"the data set is {_WORDS[run.copy]}")
    elif run.claims_valid and run.copy == "unverified" and UNVERIFIED not in run.verdict_words:
        yield contradicted("VALID without a word on the data set", f"it is {_WORDS[run.copy]}")
    else:
        yield supported("the data set is called what it is", _WORDS[run.copy])


_WORDS = {
    "official": "the benchmark's own, by all token ids",
    "unverified": f"an {UNVERIFIED}: what its token ids must be isn't known",
    "other": "not the benchmark's: its token ids are others",
}
