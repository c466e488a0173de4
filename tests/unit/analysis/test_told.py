"""What only the server says: its token counts against its texts, and the model's name in its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.analysing import Analyse
from tests.changing import Change, changed
from tests.synthetic import Plan, write_run

from assay.analysis import summarise
from assay.analysis.run import analyse_run
from assay.analysis.told import Told, read_told
from assay.audit import Judgement, audit_path
from assay.runs.api import ApiFacts


def counted(usage: float, text: float, every: int = 1) -> Change:
    """Counts by usage and in the text, each so many times the true one, in every so manieth answer."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        tokens, mine = row["output_tokens"], row["sample_id"] % every == 0
        told = round(tokens * usage) if mine else tokens
        return {
            "token_source": "usage",
            "output_tokens": told,
            "streamed_tokens": told,
            "text_tokens": round(tokens * (text if mine else 1.0)),
            "output_ids": None,
        }

    return change


@pytest.mark.parametrize(
    ("usage", "text", "every", "wrong"),
    [
        (1.0, 1.0, 1, False),
        (1.0, 0.9, 1, False),
        (1.0, 1.1, 1, False),
        (1.0, 1 / 8.3, 1, True),
        (1.0, 8.3, 1, True),
        (1.0, 3.0, 20, False),  # a few odd answers
        (1.0, 3.0, 5, True),
        (1.0, 0.3, 5, True),
    ],
)
def test_usage_is_held_against_the_text_in_both_directions(
    tmp_path: Path, usage: float, text: float, every: int, wrong: bool
) -> None:
    folder = changed(write_run(tmp_path, Plan(samples=200)), counted(usage, text, every))
    run = analyse_run(folder)
    words = "usage counts"
    assert any(finding.rule == "usage-against-text" for finding in run.findings) is wrong
    assert any(words in reason for reason in run.result.verdict.reasons) is wrong
    assert any(words in notice.lower() for notice in run.result.notices) is wrong
    assert not any("the server's word" in notice for notice in run.result.notices)


def test_one_absurd_count_shows_though_all_others_are_right(tmp_path: Path) -> None:
    def one(row: dict[str, Any]) -> dict[str, Any]:
        return counted(2e5 if row["sample_id"] == 3 else 1.0, 1.0)(row)

    told = read_told(changed(write_run(tmp_path, Plan(samples=200)), one).requests, ignores_end=False)
    assert told.counts.above == 1
    assert told.counts.problem


@pytest.mark.parametrize(("text", "wrong"), [(0.1, False), (8.0, True)])
def test_behind_an_ignored_end_only_low_counts_are_wrong(tmp_path: Path, text: float, wrong: bool) -> None:
    api = ApiFacts(form="text", ignore_eos=True)
    folder = changed(write_run(tmp_path, Plan(samples=100)), counted(1.0, text), api=api)
    assert any("usage counts" in reason for reason in summarise(folder).verdict.reasons) is wrong
    assert any(f.rule == "usage-and-text" for f in audit_path(folder.path).problems) is wrong


@pytest.mark.parametrize(
    ("text", "verdict"),
    [(1.0, Judgement.SUPPORTED), (0.12, Judgement.UNSUPPORTED), (8.0, Judgement.UNSUPPORTED)],
)
def test_the_audit_knows_the_rule(tmp_path: Path, text: float, verdict: Judgement) -> None:
    folder = changed(write_run(tmp_path, Plan(samples=100)), counted(1.0, text))
    (found,) = (f for f in audit_path(folder.path).findings if f.rule == "usage-and-text")
    assert found.verdict is verdict
    assert "100 answers, by the tokenizer" in found.arithmetic


def test_what_nothing_checked_is_called_the_servers_word(tmp_path: Path) -> None:
    folder = changed(write_run(tmp_path, Plan(samples=50)), lambda row: {"token_source": "usage", "output_ids": None})
    (notice,) = (notice for notice in summarise(folder).notices if "the server's word" in notice)
    assert "in 50 answers" in notice
    assert not any(f.rule == "usage-and-text" for f in audit_path(folder.path).findings)


def named(*names: str | None) -> Change:
    return lambda row: {"answer_model": names[row["sample_id"] % len(names)]}


def test_several_models_behind_one_endpoint_are_noticed(tmp_path: Path) -> None:
    run = analyse_run(changed(write_run(tmp_path, Plan(samples=90)), named("big", "big", "small")))
    found = [finding.evidence[0].figure for finding in run.findings if finding.rule == "answer-models"]
    assert len(run.record.endpoints) == 2
    assert found == ["the answers of node-a-0, node-b-0 name 2 models (big 60, small 30)"]
    assert any("name 2 models" in reason for reason in run.result.verdict.reasons)


def test_names_without_end_are_cut(tmp_path: Path) -> None:
    told = read_told(
        changed(write_run(tmp_path, Plan(samples=90)), lambda row: {"answer_model": f"m{row['sample_id']}"}).requests,
        ignores_end=False,
    )
    assert " models (m0 1, m1 1, m10 1, m11 1, m12 1 and 85 more)" in told.mixed()


def test_what_a_thousand_endpoints_name_is_one_sentence() -> None:
    every = [f"e{number:04}" for number in range(1024)]
    mixed = Told(models={name: {"big": 3, "small": 1} for name in every})
    assert mixed.against() == [
        "the answers of e0000, e0001, e0002 and 1,021 more name 2 models (big 3,072, small 1,024)"
    ]
    alias = Told(models={name: {f"big@{name}": 4} for name in every})
    assert alias.notes(dict.fromkeys(every, "big")) == [
        "e0000, e0001, e0002 and 1,021 more were asked for big, and their answers name "
        "big@e0000, big@e0001, big@e0002 and 1,021 more."
    ]


@pytest.mark.parametrize("name", ["synthetic-8b", None])
def test_the_name_that_was_asked_for_is_nothing_to_note(analyse: Analyse, tmp_path: Path, name: str | None) -> None:
    before = analyse(Plan(samples=50)).result.notices
    after = summarise(changed(write_run(tmp_path / "named", Plan(samples=50)), named(name)))
    assert after.notices == before


def test_another_name_than_was_asked_for_is_a_notice(tmp_path: Path) -> None:
    result = summarise(changed(write_run(tmp_path, Plan(samples=50)), named("alias")))
    assert any("asked for synthetic-8b, and their answers name alias" in notice for notice in result.notices)
    assert not any("alias" in reason for reason in result.verdict.reasons)
