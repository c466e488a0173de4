"""Whether a search's best try gives the default's tokens, beside whether the default gives its own on another start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.answers import Ids, RunAnswers, first_difference


class Agreement(BaseModel):
    """Greedy answers to the same prompts, token by token."""

    model_config = ConfigDict(extra="forbid")

    prompts: int = Field(description="that both the best try and the default answered")
    equal: float = Field(description="share of them with the same tokens from both")
    first_difference: float | None = Field(description="median place of the first other token, from 1; null: none")
    default_prompts: int = Field(description="that the default answered on two server starts")
    default_equal: float | None = Field(description="share of those with the same tokens; null: there are none")


def agreement(default: Sequence[RunAnswers], best: Sequence[RunAnswers]) -> Agreement | None:
    """Of the runs on each one's server starts, in their order; None where no prompt was answered by both.

    What batches do to rounding makes the default differ from itself: that is the measure of how much is much.
    """
    if not default or not best or default[0].alike != best[0].alike:
        return None
    ours, theirs = _first(default[0]), _first(best[0])
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        return None
    unequal = [prompt for prompt in shared if not np.array_equal(ours[prompt], theirs[prompt])]
    places = [first_difference(ours[prompt], theirs[prompt]) for prompt in unequal]
    again = _first(default[1]) if len(default) > 1 else {}
    both = ours.keys() & again.keys()
    same = sum(np.array_equal(ours[prompt], again[prompt]) for prompt in both)
    return Agreement(
        prompts=len(shared),
        equal=(len(shared) - len(unequal)) / len(shared),
        first_difference=float(np.median(places)) if places else None,
        default_prompts=len(both),
        default_equal=same / len(both) if both else None,
    )


def _first(run: RunAnswers) -> Mapping[int, Ids]:
    """The first answer to each prompt, whichever endpoint gave it."""
    found: dict[int, Ids] = {}
    for own in run.answers.values():
        for prompt, answers in own.items():
            found.setdefault(prompt, answers[0])
    return found
