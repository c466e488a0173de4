"""Terms are explained where they stand, times are for the reader's clock, and nothing becomes markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assay.report.terms import TERMS, Terms

ROOT = Path(__file__).parents[3]


def test_every_meaning_is_the_glossarys() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    glossary = dict(rows)
    assert {term: glossary.get(term) for term in TERMS} == TERMS


def test_a_term_is_marked_once_a_section() -> None:
    terms = Terms()
    first = terms("TTFT and TTFT")
    assert first == '<a class="term" href="#word-ttft" aria-describedby="word-ttft-means">TTFT</a> and TTFT'
    assert terms("TTFT") == "TTFT"
    terms.begin()
    assert 'href="#word-ttft"' in terms("TTFT")
    assert [name for _, name, _ in terms.used] == ["TTFT"]


@pytest.mark.parametrize("text", ["ledger.json", "a-TTFT", "valid", "Ledgers", "node-p99", "runs/ledger"])
def test_what_only_looks_like_a_term_is_left_alone(text: str) -> None:
    assert terms_in(text) == []


@pytest.mark.parametrize("text", ["TPOT early stopping: no", "Early stopping satisfied", "early-stopping bounds"])
def test_a_term_of_two_words_may_have_a_hyphen(text: str) -> None:
    assert "early stopping" in terms_in(text)


def test_a_term_that_begins_as_another_is_its_own() -> None:
    assert terms_in("rougeLsum") == ["rougeLsum"]


def test_a_term_at_the_end_of_a_sentence_is_one() -> None:
    assert terms_in("It is in the ledger.") == ["ledger"]


def terms_in(text: str) -> list[str]:
    terms = Terms()
    terms(text)
    return [name for _, name, _ in terms.used]


def test_a_time_carries_its_moment() -> None:
    shown = Terms()("started 7 Jan 2026, 03:04:05 UTC.")
    assert shown == 'started <time datetime="2026-01-07T03:04:05+00:00">7 Jan 2026, 03:04:05 UTC</time>.'


def test_what_is_to_be_typed_is_marked_as_such() -> None:
    assert Terms()("Next: `assay run --resume <F>`.") == (
        'Next: <code>assay run <span class="option">--resume</span> &lt;F&gt;</code>.'
    )
    assert terms_in("`assay audit ledger`") == []
    assert Terms()("by `--set`") == 'by <code><span class="option">--set</span></code>'
    assert Terms()("with --set a=b") == 'with <span class="option">--set</span> a=b'
    assert Terms()("a -- b, a--b") == "a -- b, a--b"
    assert Terms()("`a--b`") == "<code>a--b</code>"


def test_texts_are_never_markup() -> None:
    assert Terms()("<b>TTFT</b>").startswith("&lt;b&gt;<a ")


def test_no_line_ends_between_a_number_and_its_sign() -> None:
    assert Terms()("12 to 14 %, `as 5 %`") == "12 to 14\u00a0%, <code>as 5 %</code>"
    assert ">95\u00a0%</a>: 3" in Terms()("95 %: 3"), "a term too"
