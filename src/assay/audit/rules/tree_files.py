"""A submission's tree holds every file that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.audit.evidence import Evidence
from assay.audit.registry import Check, evidence_rule
from assay.audit.submitters import Submitter
from assay.audit.verdicts import Judgement


@evidence_rule(
    "tree-files",
    explain="""
Of a tree that is said to be a whole submission: each submitter has the source of what ran in src, in the open division
model_mapping.json with every benchmark's folder in it, and each result README.md, measurements.json, and either
user.conf, both logs of its performance run, the detail log, the accuracy log and accuracy.txt of its accuracy run, and
TEST06's accuracy log where division and benchmark ask for that test; or the MLPerf Endpoints client's config.yaml,
result_summary.json and accuracy_results.json. None of them is empty. (The published checker doesn't look at LoadGen's
summary and TEST06's answers, and stops with a traceback where a detail log isn't there.)
""",
    source="MLPerf submission checker: loader, measurement checks, accuracy checks (v6.0, v6.1)",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submitter in evidence.submitters:
        yield from _files(submitter.files, submitter.name, submitter.where)
        yield from _mapping(submitter)
        for result in submitter.results:
            yield from _files(result.files, result.name, result.where)


def _files(files: Mapping[str, str], name: str, where: str) -> Iterator[Check]:
    for file, problem in files.items():
        if problem:
            yield Check(Judgement.UNSUPPORTED, f"{file} is part of it", problem, f"{name}/{file}", where)
    there = [file for file, problem in files.items() if not problem]
    if there:
        yield Check(Judgement.SUPPORTED, "files that are asked for", ", ".join(there), f"{name}/files", where)


def _mapping(submitter: Submitter) -> Iterator[Check]:
    mapping = submitter.mapping
    if mapping is None:
        return
    if mapping.problem:
        yield Check(
            Judgement.UNSUPPORTED, "model_mapping.json is part of it", mapping.problem, mapping.name, mapping.where
        )
        return
    for benchmark in sorted({result.benchmark for result in submitter.results}):
        if not isinstance(mapping.data.get(benchmark), str):
            words = f"{benchmark} is in model_mapping.json"
            yield Check(Judgement.UNSUPPORTED, words, "no benchmark is named for it", mapping.name, mapping.where)
