"""A recorded answer that the engine must give before it serves.

Greedy, from Transformers in float32 with the same weights (tests/reference). At every one of the 24 tokens the
chosen logit leads by more than 1.8, far more than bf16 rounding, so the answer is the same in f32 and bf16.
"""

GOLDEN_PROMPT = "The alphabet: a b c d e f g h i j k l m n o p q r s t u v w x y z. The alphabet: a b c"
GOLDEN_PROMPT_IDS = [
    *(504, 12567, 42, 253, 278, 265, 287, 297, 275, 310, 294, 2056, 544, 501, 303, 283, 304, 263, 273, 7329, 412),
    *(262, 252, 326, 386, 267, 1792, 329, 1892, 30, 378, 12567, 42, 253, 278, 265),
]  # fmt: skip
GOLDEN_IDS = [
    *(287, 297, 275, 310, 294, 2056, 544, 501, 303, 283, 304, 263, 273, 7329, 412, 262, 252, 326, 386, 267, 1792),
    *(329, 1892, 30),
]  # fmt: skip
