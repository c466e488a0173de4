"""An accuracy run's answers: as LoadGen logged them, in words, and their scores."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from assay.audit.evidence import RunEvidence
from assay.audit.folder import FolderFacts
from assay.errors import AssayError, UserError
from assay.runs import RunFolder, read_model
from assay.runs.result import AccuracyResult
from assay.scoring import Scorable, read_accuracy_log, read_accuracy_txt


def read_answers(facts: FolderFacts, run: RunEvidence) -> None:
    """Fill in what the folder holds; what can't be read is noted as the run's damage."""
    folder = facts.folder
    try:
        facts.accuracy = read_model(folder.accuracy, AccuracyResult)
        if folder.loadgen_accuracy.exists():
            facts.logged_answers = {answer.qsl_idx: answer for answer in read_accuracy_log(folder.loadgen_accuracy)}
        if folder.answers.exists():
            facts.answers = list(_lines(folder))
        if folder.accuracy_txt.exists():
            facts.printed_scores, _ = read_accuracy_txt(folder.accuracy_txt.read_text(errors="replace"))
    except (AssayError, OSError) as error:
        run.damage.append(str(error))


def _lines(folder: RunFolder) -> Iterator[Scorable]:
    for number, line in enumerate(folder.answers.read_bytes().splitlines(), start=1):
        try:
            item = orjson.loads(line)
            how = str(item.get("metric", ""))
            yield Scorable(int(item["qsl_idx"]), str(item["answer"]), str(item["reference"]), 0, how)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{folder.answers}: line {number} can't be read: {error!r}") from None
