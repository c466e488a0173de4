"""Endpoints' answers to the same prompts, on generated answers: silent where none is unlike, and not where one is."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
import pytest
from tests.analysing import Analyse
from tests.synthetic import Node, Plan

from assay.analysis.answer_findings import answer_findings
from assay.analysis.answers import AnswersCompared, RunAnswers, compare_answers, first_difference
from assay.analysis.campaign import run_line
from assay.analysis.chance import dissent_tail, hypergeometric_tail
from assay.benchmarks import Sampling
from assay.runs import RunEntry

LENGTH = 12
NODES = ("a", "b", "c", "d", "e", "f", "g", "h")


class World:
    """A model that answers each prompt, and endpoints whose greedy answers now and then leave it (as batches do)."""

    def __init__(self, seed: int, prompts: int, noise: float) -> None:
        self.draw = np.random.default_rng(seed)
        self._answers = self.draw.integers(0, 1000, (prompts, LENGTH), dtype=np.int32)
        # Some prompts are closer to a tie between two tokens than others.
        self._noise = self.draw.beta(0.5, 0.5 / noise - 0.5, prompts) if noise else np.zeros(prompts)
        self.corrupt: dict[str, float] = {}

    def answer(self, endpoint: str, prompt: int) -> np.ndarray:
        answer = self._answers[prompt].copy()
        if self.draw.random() < self._noise[prompt]:
            place = int(self.draw.integers(LENGTH))
            answer[place:] = 1000 + self.draw.integers(3)
        if self.draw.random() < self.corrupt.get(endpoint, 0.0):
            answer[self.draw.integers(LENGTH) :] = 7777
        return answer

    def alone(self, endpoint: str) -> RunAnswers:
        """The endpoint answers every prompt."""
        return self._run({endpoint: range(len(self._answers))})

    def together(self, endpoints: tuple[str, ...]) -> RunAnswers:
        """Each prompt is answered by one of them."""
        dealt = self.draw.integers(0, len(endpoints), len(self._answers))
        return self._run({name: np.flatnonzero(dealt == place).tolist() for place, name in enumerate(endpoints)})

    def _run(self, dealt: dict[str, object]) -> RunAnswers:
        answers = {
            name: {prompt: [self.answer(name, prompt)] for prompt in prompts}  # type: ignore[attr-defined]
            for name, prompts in dealt.items()
        }
        return RunAnswers(("data",), {name: f"node-{name}" for name in dealt}, answers)


def scaling(world: World, nodes: tuple[str, ...], repeats: int = 1) -> AnswersCompared:
    runs = [world.alone(node) for _ in range(repeats) for node in nodes] + [world.together(nodes)]
    found = compare_answers(runs)
    assert found is not None
    return found


def single(world: World, nodes: tuple[str, ...]) -> AnswersCompared:
    """Two runs over all endpoints: performance and accuracy."""
    found = compare_answers([world.together(nodes), world.together(nodes)])
    assert found is not None
    return found


def unlike(found: AnswersCompared) -> list[str]:
    return [part.endpoint for part in found.endpoints if part.unlike]


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.3])
def test_a_hundred_clean_campaigns_are_silent(noise: float) -> None:
    for seed in range(100):
        world = World(seed, 60 + seed, noise)
        nodes = NODES[: 2 + seed % 7]
        found = single(world, nodes) if seed % 2 else scaling(world, nodes)
        assert answer_findings("campaign", found) == []


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_node_that_corrupts_3_percent_of_its_answers_is_found(noise: float) -> None:
    world = World(1, 1000, noise)
    world.corrupt = {"c": 0.03}
    found = scaling(world, NODES[:4])
    assert unlike(found) == ["c"]
    (finding,) = answer_findings("campaign", found)
    assert finding.title == "The answers of c (node node-c) aren't those of the others."
    assert "not the answer of most endpoints" in finding.evidence[0].figure
    assert "first other token" in finding.evidence[0].figure


def test_it_is_found_where_no_more_than_two_answered_a_prompt() -> None:
    world = World(2, 4000, 0.0)
    world.corrupt = {"b": 0.03}
    assert unlike(single(world, NODES[:4])) == ["b"]


def test_of_two_nodes_it_is_the_one_that_differs_from_itself_or_it_is_not_known_which() -> None:
    world = World(3, 2000, 0.0)
    world.corrupt = {"a": 0.03}
    assert unlike(scaling(world, NODES[:2], repeats=2)) == ["a"]
    steady = [World(4, 600, 0.0).alone(node) for node in ("a", "b") for _ in range(2)]
    for answers in steady[2].answers["b"], steady[3].answers["b"]:
        answers.update({prompt: [answers[prompt][0] + 1] for prompt in range(0, 600, 20)})
    found = compare_answers(steady)
    assert found is not None
    assert unlike(found) == []
    (finding,) = answer_findings("campaign", found)
    assert finding.rule == "answers-apart"
    assert "differ in 5.0 % of 600 prompts, two of the same endpoint's in 0.0 % of 1200" in finding.evidence[0].figure


def test_more_differences_than_the_others_by_a_little_are_no_finding() -> None:
    """What a server with other batches may do: beyond chance, and not far more."""
    world = World(5, 2000, 0.1)
    world.corrupt = {"a": 0.036}
    assert unlike(scaling(world, NODES[:4])) == []


def test_what_is_compared_is_what_was_asked_alike() -> None:
    world = World(6, 50, 0.0)
    other = RunAnswers(("other data",), {"b": "b"}, world.alone("b").answers)
    assert compare_answers([world.alone("a"), world.alone("a"), other]) is None
    found = compare_answers([world.alone("a"), other, world.alone("b")])
    assert found is not None
    assert (found.runs, found.prompts) == (2, 50)
    assert [(part.prompts, part.equal, part.first_difference) for part in found.endpoints] == [(50, 1.0, None)] * 2


def test_answers_whose_tokens_are_drawn_are_not_compared(analyse: Analyse) -> None:
    run = analyse(Plan(nodes=(Node("node-a"),), samples=20))
    entry = RunEntry(key="a", scenario="Offline", mode="performance", nodes=["node-a"])
    assert run_line(entry, run).answers is not None
    drawn = run.benchmark.model_copy(update={"sampling": Sampling(temperature=1.0, top_p=1.0)})
    assert run_line(entry, replace(run, benchmark=drawn)).answers is None


def test_the_first_difference_counts_from_one_and_an_end_is_one() -> None:
    ids = np.arange(5, dtype=np.int32)
    assert first_difference(ids, np.array([9, 1, 2, 3, 4], dtype=np.int32)) == 1
    assert first_difference(ids, np.array([0, 1, 2, 3, 9], dtype=np.int32)) == 5
    assert first_difference(ids, ids[:3]) == 4


def test_the_tails_are_those_of_counting() -> None:
    exact = sum(comb(6, k) * comb(14, 8 - k) for k in range(4, 7)) / comb(20, 8)
    assert hypergeometric_tail(4, 8, 6, 20) == pytest.approx(exact)
    assert hypergeometric_tail(0, 8, 6, 20) == pytest.approx(1)
    assert hypergeometric_tail(7, 8, 6, 20) == 0
    two = dissent_tail(2, np.array([0.5, 0.25, 0.25, 0.0]))
    assert two == pytest.approx(0.5 * (1 - 0.75**2) + 0.5 * 0.25**2)
    assert dissent_tail(3, np.array([1.0, 1.0])) == 0
    assert dissent_tail(0, np.array([])) == 1


def test_an_endpoint_that_scores_lower_is_a_finding(analyse: Analyse) -> None:
    worse, like = Node("node-a", scores_less=8.0), Node("node-b", scores_less=0.5)
    (finding,) = [f for f in analyse(Plan(nodes=(worse, like), mode="accuracy", samples=200)).findings
                  if f.rule == "endpoint-scores-lower"]  # fmt: skip
    assert finding.title == "The answers of node-a-0 (node node-a) score lower than the others'."
    assert "rouge1 30.8000, 8.0000 less than the others' at prompts of like length" in finding.evidence[0].figure
    assert "(7.1000 to 8.9000" in finding.evidence[0].figure
