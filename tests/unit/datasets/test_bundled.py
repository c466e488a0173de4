"""The bundled articles keep what their README promises: counts, lengths, highlights and no repetition."""

import json
import re
from collections import Counter
from importlib.resources import files

import pytest

BUNDLED = files("assay.datasets") / "bundled"
SENTENCE_END = re.compile(r"(?<=[.?!])[\"')]*\s+|\n")
WORD = re.compile(r"[^\W_]+(?:[.,'-][^\W_]+)*")
# Function words that say nothing about whether a highlight was taken from its article.
_STOP_TEXT = (
    "a about after against all an and any are as at be been before but by can cannot could did do does for from"
    " had has have he her his if in into is it its may more no not of off on one or out over she so some than that"
    " the their them they this to two under up was were what when where which while who will with would"
)
STOP_WORDS = frozenset(_STOP_TEXT.split())


def read(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (BUNDLED / name).read_text(encoding="utf-8").splitlines()]


def sentences(text: str) -> list[str]:
    """Sentences of more than six words, normalised so that case and punctuation can't hide a repetition."""
    found = (" ".join(WORD.findall(part.lower())) for part in SENTENCE_END.split(text))
    return [sentence for sentence in found if len(sentence.split()) > 6]


def content_words(text: str) -> set[str]:
    return {word.removesuffix("'s") for word in WORD.findall(text.lower())} - STOP_WORDS


ARTICLES = read("articles.jsonl")
WARMUP = read("warmup.jsonl")
LENGTHS = [len(row["article"].split()) for row in ARTICLES]


def test_counts_and_keys() -> None:
    assert len(ARTICLES) >= 64
    assert len(WARMUP) == 16
    assert all(list(row) == ["id", "topic", "article", "highlights"] for row in ARTICLES)
    assert all(list(row) == ["id", "topic", "article"] for row in WARMUP)


def test_lengths_cover_the_range() -> None:
    assert min(LENGTHS) >= 80
    assert max(LENGTHS) <= 900
    assert sum(length < 160 for length in LENGTHS) >= 10
    assert sum(length > 600 for length in LENGTHS) >= 10
    assert sum(length > 800 for length in LENGTHS) >= 3
    assert all(80 <= len(row["article"].split()) <= 300 for row in WARMUP)


def test_ids_are_unique_slugs() -> None:
    ids = [row["id"] for row in ARTICLES + WARMUP]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


@pytest.mark.parametrize("row", ARTICLES, ids=lambda row: row["id"])
def test_highlights_come_from_the_article(row: dict[str, str]) -> None:
    lines = row["highlights"].split("\n")
    article = content_words(row["article"])
    assert 2 <= len(lines) <= 4
    for line in lines:
        assert line.endswith(" .")
        assert line == line.strip()
        words = content_words(line)
        assert len(words & article) / len(words) >= 0.6, f"{line!r} shares too little: {sorted(words - article)}"


def test_no_sentence_appears_twice() -> None:
    """Across both files, which also keeps the warm-up apart from what is measured."""
    counts = Counter(sentence for row in ARTICLES + WARMUP for sentence in sentences(row["article"]))
    assert len(counts) > 1000
    assert [sentence for sentence, count in counts.items() if count > 1] == []


def test_no_highlight_is_shared() -> None:
    counts = Counter(line for row in ARTICLES for line in row["highlights"].split("\n"))
    assert [line for line, count in counts.items() if count > 1] == []


def test_text_is_clean() -> None:
    for row in ARTICLES + WARMUP:
        paragraphs = row["article"].split("\n")
        assert all(part and part == part.strip() and "  " not in part for part in paragraphs), row["id"]
        assert row["article"][-1] in ".?!\"'", row["id"]


def test_readme_states_the_counts() -> None:
    readme = (BUNDLED / "README.md").read_text(encoding="utf-8")
    assert f"{len(ARTICLES)} articles" in readme
    assert f"{sum(LENGTHS):,} words" in readme
    assert f"{len(WARMUP)} further" in readme
