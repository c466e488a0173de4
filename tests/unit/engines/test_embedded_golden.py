"""The answers checked before serving are those that Transformers gave with the very weights that are served."""

from __future__ import annotations

import json
from pathlib import Path

from assay.engines.embedded.golden import GOLDEN
from assay.engines.embedded.model.files import FILE_SHA256S

_RECORD = Path(__file__).parents[2] / "reference" / "smollm2_transformers_f32.json"


def test_golden_answers_are_the_recorded_ones() -> None:
    record = json.loads(_RECORD.read_bytes())
    assert record["gguf_sha256"] == FILE_SHA256S["model-f16.gguf"]
    assert [(entry["prompt_ids"], entry["token_ids"]) for entry in record["golden"]] == [tuple(g) for g in GOLDEN]
    assert all(entry["smallest_margin"] > 1 for entry in record["golden"])
