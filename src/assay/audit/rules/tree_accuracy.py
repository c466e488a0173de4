"""A submission's accuracy logs are cut and hashed, and TEST06's answers are what its verdict says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.audit.evidence import Evidence
from assay.audit.registry import Check, evidence_rule
from assay.audit.submitters import AccuracyFiles, ResultFolder
from assay.audit.verdicts import Judgement

_MOST_BYTES = 10 * 1024
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@evidence_rule(
    "accuracy-log",
    explain="""
Of a tree that is said to be a whole submission: an accuracy log is cut to its two ends, at most 10 KiB, and
accuracy.txt states the SHA-256 of the whole, as hash=…, so that it can be asked for later. Where the log wasn't cut
the hash is its own. (The published checker asks for the word hash= alone.)
""",
    source="MLPerf submission checker: accuracy checks; tools/submission/truncate_accuracy_log.py",
)
def check_logs(evidence: Evidence) -> Iterator[Check]:
    for submitter in evidence.submitters:
        for result in submitter.results:
            if result.accuracy is not None:
                yield from _log(result.accuracy, f"{result.name}/accuracy/mlperf_log_accuracy.json", result.where)


def _log(files: AccuracyFiles, name: str, where: str) -> Iterator[Check]:
    if files.log_bytes is not None:
        words = f"an accuracy log of {files.log_bytes} bytes"
        fits = files.log_bytes <= _MOST_BYTES
        sums = f"{_MOST_BYTES} are the most: cut it with truncate_accuracy_log.py, and keep the whole"
        verdict = Judgement.SUPPORTED if fits else Judgement.UNSUPPORTED
        yield Check(verdict, words, f"{_MOST_BYTES} are the most" if fits else sums, name, where)
    words = f"hash={files.stated}"
    if files.stated is None:
        yield Check(Judgement.UNSUPPORTED, "the whole accuracy log's hash", "accuracy.txt states none", name, where)
    elif not _SHA256.fullmatch(files.stated):
        yield Check(Judgement.CONTRADICTED, words, "no SHA-256: 64 hexadecimal digits", name, where)
    elif files.log_bytes and not files.cut:
        own = files.stated.lower() == files.digest
        verdict = Judgement.SUPPORTED if own else Judgement.CONTRADICTED
        yield Check(verdict, words, f"the log, which isn't cut, has {files.digest}", name, where)


@evidence_rule(
    "compliance-answers",
    explain="""
Of a tree that is said to be a whole submission: the answers in TEST06's accuracy log are judged again. The first token
that LoadGen was told is the answer's own, an answer ends with one end-of-sequence token at most, and it has as many
tokens as were counted. The end-of-sequence tokens are the benchmark's own; MLCommons' script takes 2 for one unless
told otherwise, which no answer of Llama 3.1 can fail.
""",
    source="compliance/TEST06/run_verification.py; the benchmark's stop tokens",
)
def check_answers(evidence: Evidence) -> Iterator[Check]:
    for submitter in evidence.submitters:
        for result in submitter.results:
            yield from _answers(result)


def _answers(result: ResultFolder) -> Iterator[Check]:
    if result.test06 is None:
        return
    name = f"{result.name}/TEST06/accuracy/mlperf_log_accuracy.json"
    words = "TEST06's answers pass it"
    for failed in result.test06:
        yield Check(Judgement.CONTRADICTED, words, failed, name, result.where)
    if not result.test06:
        yield Check(Judgement.SUPPORTED, words, "each of them", name, result.where)
