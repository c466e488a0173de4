"""Recorded answers that the engine must give before it serves.

Greedy, from Transformers in float32 with the same weights (tests/reference). At every token the chosen logit leads
by more than 1.0, far more than bf16 rounding, so the answers are the same in f32 and bf16. The Q4_1 file, which
OpenVINO misreads, fails each of the short ones.
"""

from typing import NamedTuple


class Golden(NamedTuple):
    """A prompt and the first tokens of its answer."""

    prompt_ids: list[int]
    token_ids: list[int]


_D_TO_M = (287, 297, 275, 310, 294, 2056, 544, 501, 303, 283)
_N_TO_Z = (304, 263, 273, 7329, 412, 262, 252, 326, 386, 267, 1792, 329, 1892)

GOLDEN = [
    # "The human body has 206": " bones"
    Golden([504, 1205, 1248, 553, 216, 34, 32, 38], [6542]),
    # "The Industrial Revolution began in": " the"
    Golden([504, 12595, 6989, 2585, 281], [260]),
    # "London is the capital of": " the"
    Golden([21253, 314, 260, 3575, 282], [260]),
    # "The alphabet: a b c … z. The alphabet: a b c": " d … z."
    Golden(
        [504, 12567, 42, 253, 278, 265, *_D_TO_M, *_N_TO_Z, 30, 378, 12567, 42, 253, 278, 265],
        [*_D_TO_M, *_N_TO_Z, 30],
    ),
]
