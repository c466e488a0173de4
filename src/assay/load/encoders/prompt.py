"""One prompt in every form that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.runs.api import PromptForm

Turn = dict[str, str]
"""`role` and `content` of one message."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What isn't known is None."""

    ids: NDArray[np.int32] | None = None
    text: str | None = None
    """As the model is to read it: with the template's words, where there is a template."""
    messages: Sequence[Turn] | None = None

    def has(self, form: PromptForm) -> bool:
        """Whether it can be sent in that form."""
        return {"ids": self.ids, "text": self.text, "chat": self.messages}[form] is not None

    @property
    def length(self) -> int:
        """Tokens; without ids a guess by the letters."""
        if self.ids is not None:
            return len(self.ids)
        letters = len(self.text or "") or sum(len(message["content"]) for message in self.messages or ())
        return max(1, letters // _LETTERS_A_TOKEN)


_LETTERS_A_TOKEN = 4
