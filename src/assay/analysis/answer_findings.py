"""Findings on endpoints whose answers are worse than the others', or aren't theirs."""

from __future__ import annotations

from assay.analysis.answers import AnswersCompared, EndpointAnswers
from assay.analysis.finding import Citation, Finding
from assay.runs.result import EndpointScore, EndpointScores, Result

_LOOK = (
    "another precision or quantization, other weights, another engine version, other hardware, or a card that computes "
    "wrongly: "
    "compare the engine's options and the model's files there with the others' (assay check --deep), and look for the "
    "card's errors"
)
REQUESTS = "runs/*/requests.parquet"


def score_findings(result: Result) -> list[Finding]:
    """An accuracy run's endpoints that score lower than the others by more than chance explains."""
    if result.accuracy is None:
        return []
    found = []
    for endpoint in result.accuracy.endpoints:
        worse = [_score_words(name, score) for name, score in endpoint.scores.items() if score.worse]
        if worse:
            found.append(
                Finding(
                    rule="endpoint-scores-lower",
                    severity="warning",
                    title=f"The answers of {_named(endpoint)} score lower than the others'.",
                    evidence=[Citation(run=result.run, file="accuracy.json", figure="; ".join(worse))],
                    suggestion=_LOOK,
                    subject=endpoint.endpoint,
                )
            )
    return found


def _score_words(name: str, score: EndpointScore) -> str:
    return (
        f"{name} {score.value:.4f}, {-(score.difference or 0.0):.4f} less than the others' at prompts of like length "
        f"({-(score.difference_high or 0.0):.4f} to {-(score.difference_low or 0.0):.4f}, for all endpoints at once)"
    )


def answer_findings(campaign: str, answers: AnswersCompared | None) -> list[Finding]:
    """A campaign's endpoints whose answers to the same prompts differ far more than the others' do."""
    if answers is None:
        return []
    found = [
        Finding(
            rule="answers-differ",
            severity="warning",
            title=f"The answers of {_named(part)} aren't those of the others.",
            evidence=[Citation(run=campaign, file=REQUESTS, figure=_answer_words(part))],
            suggestion=_LOOK,
            subject=part.endpoint,
        )
        for part in answers.endpoints
        if part.unlike
    ]
    if answers.apart:
        found.append(
            Finding(
                rule="answers-apart",
                severity="warning",
                title="Endpoints answer the same prompts differently, more than each does itself.",
                evidence=[Citation(run=campaign, file=REQUESTS, figure=answers.apart)],
                suggestion=f"which of them is wrong isn't known from this; {_LOOK}",
            )
        )
    return found


def _answer_words(part: EndpointAnswers) -> str:
    where = "" if part.first_difference is None else f"; first other token: {part.first_difference:g} (median)"
    return f"{part.unlike}{where}"


def _named(part: EndpointScores | EndpointAnswers) -> str:
    return part.endpoint if part.endpoint == part.node else f"{part.endpoint} (node {part.node})"
