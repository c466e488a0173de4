"""What the audit says of texts whose tokens the server alone counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.changing import changed
from tests.synthetic import Plan, write_run

from assay.analysis import summarise
from assay.audit import Judgement, audit_path


@pytest.mark.parametrize(("counted", "cut"), [(20, True), (300, False)])
def test_texts_that_the_server_cant_have_read_leave_the_figures_unsupported(
    tmp_path: Path, counted: int, cut: bool
) -> None:
    texts = {"prompt_tokens_sent": None, "prompt_tokens_guessed": 477, "prompt_tokens_counted": counted}
    folder = changed(write_run(tmp_path, Plan(samples=50)), lambda row: texts | {"input_tokens": counted})
    found = [f for f in audit_path(folder.path).findings if f.rule == "prompt-tokens"]
    assert [f.verdict for f in found] == ([Judgement.UNSUPPORTED] if cut else [])
    result = summarise(folder)
    assert any("it cuts prompts" in reason for reason in result.verdict.reasons) is cut
    assert any("it cuts prompts" in notice for notice in result.notices) is cut
