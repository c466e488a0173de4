"""Scorers are found by name, and metrics mean one thing."""

from __future__ import annotations

import pytest

from assay.benchmarks import benchmark_names, get_benchmark
from assay.errors import UserError
from assay.scoring import Scorable, get_scorer, metrics, read_accuracy_txt, scorers


def test_every_scorer_gives_what_it_says() -> None:
    answers = [Scorable(0, "a cat sat", "a cat sat", 4, "rouge"), Scorable(3, "one", "two", 2, "qa_em")]
    for name, scorer in scorers().items():
        found = scorer.score(answers)
        assert (found.scorer, found.samples) == (name, 2)
        assert list(found.values) == [metric.name for metric in scorer.metrics]
        assert all(len(own) == 2 for own in found.per_sample.values())
        assert found.per_sample.keys() <= found.values.keys()


def test_exact_match_is_the_share_of_equal_answers() -> None:
    score = get_scorer("exact_match").score
    answers = [Scorable(0, " B\n", "B", 1), Scorable(1, "b", "B", 1), Scorable(2, "A", "A", 1), Scorable(3, "", "A", 0)]
    found = score(answers)
    assert found.values == {"exact_match": 50.0}
    assert found.per_sample["exact_match"].tolist() == [100.0, 0.0, 100.0, 0.0]
    with pytest.raises(ValueError, match="no answers"):
        score([])


def test_an_unknown_scorer_lists_the_known() -> None:
    with pytest.raises(UserError, match="no scorer is called 'bleu'; the scorers are: exact_match, "):
        get_scorer("bleu")


def test_the_packages_targets_are_among_what_their_scorers_give() -> None:
    for name in benchmark_names():
        benchmark = get_benchmark(name)
        if benchmark.scorer is None:
            assert (benchmark.quality is not None) == bool(benchmark.scored_with)
            continue
        given = {metric.name for metric in get_scorer(benchmark.scorer).metrics}
        assert benchmark.quality is not None
        assert benchmark.quality.targets.keys() <= given
        assert given <= metrics().keys()


def test_accuracy_txt_gives_numbers_and_their_count() -> None:
    text = "\nResults\n\n{'rouge1': '38.7', 'exact_match': 81.5, 'note': 'x', 'gen_num': 13368}\nhash=00ff\n"
    assert read_accuracy_txt(text) == ({"rouge1": 38.7, "exact_match": 81.5}, 13368)
    assert read_accuracy_txt("np.float64(3)") == ({}, None)
    weighted = "Total samples evaluated: 4395\n\n'exact_match': 83.122\n"
    assert read_accuracy_txt(weighted) == ({"exact_match": 83.122}, 4395)
    assert read_accuracy_txt("{'exact_match': 81.5, 'num-samples': 4388}") == ({"exact_match": 81.5}, 4388)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Word Error Rate: 1.889%, accuracy=98.1109%\n\nhash=0", {"accuracy": 98.1109}),  # whisper
        ('Results\n\n{"f1": 0.7921}\n\nhash=0', {"f1": 0.7921}),  # qwen3-vl
        ("Accuracy: 34.2\nhash=0", {"accuracy": 34.2}),  # e2e-rag
        ("'exact_match': 83.122\n\nhash=0", {"exact_match": 83.122}),  # gpt-oss
    ],
)
def test_accuracy_txt_of_other_benchmarks(text: str, found: dict[str, float]) -> None:
    assert read_accuracy_txt(text) == (found, None)
