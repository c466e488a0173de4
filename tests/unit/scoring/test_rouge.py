"""ROUGE equals the reference implementation, term by term."""

from __future__ import annotations

import ast
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer
from tests.paths import shared_data

from assay.errors import UserError
from assay.scoring import Scorable, Scores, ensure_punkt, get_scorer
from assay.scoring.scorers.rouge import accuracy_txt

METRICS = ("rouge1", "rouge2", "rougeL", "rougeLsum")

# The patterns of the submission checker for MLPerf Inference v5.1 and later.
CHECKER = {
    "rouge1": r".*'rouge1':\s+'?([\d.]+)'?.*",
    "rouge2": r".*'rouge2':\s+'?([\d.]+)'?.*",
    "rougeL": r".*'rougeL':\s+'?([\d.]+)'?.*",
    "rougeLsum": r".*'rougeLsum':\s+'?([\d.]+)'?.*",
    "gen_len": r".*'gen_len':\s([\d.]+).*",
}


@pytest.fixture(scope="module")
def articles() -> list[tuple[str, str]]:
    """Pairs of article and reference."""
    entries = json.loads((shared_data() / "cnn_dailymail_30.json").read_text())
    strip = "Summarize the following article:\n\n", "\n\nSummary:"
    return [(e["input"].removeprefix(strip[0]).removesuffix(strip[1]), e["output"]) for e in entries]


@pytest.fixture(scope="module")
def nltk_split(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """`nltk.sent_tokenize` itself, looking only at the checked tables."""
    import nltk

    data = tmp_path_factory.mktemp("nltk")
    tables = data / "tokenizers" / "punkt_tab"
    tables.mkdir(parents=True)
    (tables / "english").symlink_to(ensure_punkt())
    nltk.data.path[:] = [str(data)]
    return nltk.sent_tokenize


def reference(predictions: list[str], targets: list[str], split: Callable[[str], list[str]]) -> dict[str, object]:
    """The arithmetic of evaluation.py, on the libraries it uses."""
    predictions = ["\n".join(split(text.strip())) for text in predictions]
    targets = ["\n".join(split(text.strip())) for text in targets]
    scorer = rouge_scorer.RougeScorer(list(METRICS), use_stemmer=True)
    scores = [scorer.score(target, prediction) for target, prediction in zip(targets, predictions, strict=True)]
    result: dict[str, object] = {m: f"{round(np.mean([s[m].fmeasure for s in scores]) * 100, 4)}" for m in METRICS}
    return {**result, "gen_len": sum(len(text) for text in predictions), "gen_num": len(predictions)}


def rouge(predictions: list[str], targets: list[str], name: str = "rouge") -> Scores:
    pairs = enumerate(zip(predictions, targets, strict=True))
    return get_scorer(name).score([Scorable(i, text, target, len(text.split())) for i, (text, target) in pairs])


def as_printed(scores: Scores) -> dict[str, object]:
    means = {metric: str(scores.values[metric]) for metric in METRICS}
    return {**means, "gen_len": scores.values["gen_len"], "gen_num": scores.samples}


def test_equals_the_reference_for_lead_three_sentences(
    articles: list[tuple[str, str]], nltk_split: Callable[[str], list[str]]
) -> None:
    predictions = [" ".join(nltk_split(article)[:3]) for article, _ in articles]
    targets = [target for _, target in articles]
    assert as_printed(rouge(predictions, targets)) == reference(predictions, targets, nltk_split)


def test_equals_the_reference_for_shuffled_references(
    articles: list[tuple[str, str]], nltk_split: Callable[[str], list[str]]
) -> None:
    targets = [target for _, target in articles]
    predictions = random.Random(7).sample(targets, len(targets))
    ours = rouge(predictions, targets)
    assert as_printed(ours) == reference(predictions, targets, nltk_split)
    assert ours.values["rouge1"] < rouge(targets, targets).values["rouge1"] == 100.0


TEXT = st.text(st.sampled_from("abc dogs running. Mr. U.S. 3.5 “it\u2019s” don't\n!?é中"), max_size=80)


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_equals_the_reference_for_any_text(
    pairs: list[tuple[str, str]], nltk_split: Callable[[str], list[str]]
) -> None:
    predictions, targets = [p for p, _ in pairs], [t for _, t in pairs]
    assert as_printed(rouge(predictions, targets)) == reference(predictions, targets, nltk_split)


def test_gen_len_counts_characters_with_sentence_breaks() -> None:
    assert rouge(["  One two.  Three é.  "], ["x"]).values["gen_len"] == len("One two.\nThree é.")


def test_per_sample_scores_average_to_the_mean() -> None:
    scores = rouge(["a cat sat", "no match", "dogs run"], ["a cat sat", "other", "dog running"])
    assert scores.per_sample["rouge1"].tolist() == [100.0, 0.0, 100.0]
    assert scores.values["rouge1"] == 66.6667


def test_accuracy_txt_is_what_the_checker_reads() -> None:
    scores = rouge(["a cat sat. It slept."], ["a cat sat down. It slept well."])
    text = accuracy_txt(scores)
    line = text.splitlines()[-1]
    for key, pattern in CHECKER.items():
        found = re.match(pattern, line)
        assert found is not None, key
        assert float(found.group(1)) == scores.values[key]
    assert "np." not in text


def test_accuracy_txt_has_the_form_of_a_published_one() -> None:
    values = dict(zip((*METRICS, "gen_len"), (38.8638, 16.2134, 24.5295, 35.8712, 3077653), strict=True))
    scores = Scores("rouge", values, 5000, {})
    published = shared_data() / (
        "mlperf_v5.1/open/NVIDIA/results/Jetson-Thor_TRT/llama3.1-8b-edge/SingleStream/accuracy/accuracy.txt"
    )
    assert accuracy_txt(scores).split() == published.read_text().partition("hash=")[0].split()


def test_every_value_is_a_plain_number() -> None:
    scores = rouge(["a"], ["a b"])
    assert [type(scores.values[metric]) for metric in (*METRICS, "gen_len")] == [float] * 4 + [int]


def test_refuses_to_score_nothing() -> None:
    with pytest.raises(ValueError, match="no answers"):
        rouge([], [])


def test_punkt_tables_are_fetched_again_when_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ensure_punkt()
    copy = tmp_path / "punkt_tab" / "english"
    copy.mkdir(parents=True)
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("ASSAY_PUNKT_WHEEL", str(tmp_path / "absent.whl"))
    assert ensure_punkt(tmp_path) == copy
    (copy / "abbrev_types.txt").write_text("mr\n")
    with pytest.raises(UserError, match=r"ASSAY_PUNKT_WHEEL names .*absent\.whl, which is not a file"):
        ensure_punkt(tmp_path)


def test_llama2_counts_the_tokens_of_its_answers() -> None:
    scores = rouge(["a cat sat", "dogs run", "no match at all"], ["a cat sat", "dog running", "other"], "rouge_tokens")
    assert (scores.values["gen_tok_len"], scores.values["tokens_per_sample"]) == (9, 3.0)
    line = accuracy_txt(scores).splitlines()[-1]
    found = re.match(r".*'tokens_per_sample':\s([\d.]+).*", line)  # the checker's pattern
    assert found is not None
    assert float(found.group(1)) == 3.0
    assert list(ast.literal_eval(line)) == [*METRICS, "gen_len", "gen_num", "gen_tok_len", "tokens_per_sample"]
