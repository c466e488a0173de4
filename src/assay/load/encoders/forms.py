"""The encoders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from assay.load.encoders.body import completion_body
from assay.load.encoders.prompt import Prompt, Turn
from assay.runs.api import ApiFacts, PromptForm

if TYPE_CHECKING:
    from assay.benchmarks import Sampling


class Encoder(ABC):
    """Writes the bodies of requests for `model`, as `facts` say that the server takes them."""

    form: ClassVar[PromptForm]
    path: ClassVar[str] = "/completions"
    """Of the API, below its root."""

    def __init__(self, model: str, facts: ApiFacts, sampling: Sampling | None = None) -> None:
        self._model = model
        self._facts = facts
        self._sampling = sampling

    @abstractmethod
    def content(self, prompt: Prompt) -> str | Sequence[int] | Sequence[Turn]:
        """The prompt in this form, which it must have."""

    def body(self, prompt: Prompt, max_tokens: int) -> bytes:
        """A request for an answer of at most `max_tokens`."""
        facts = self._facts
        return completion_body(
            self._model,
            self.content(prompt),
            max_tokens,
            min_tokens=None if facts.min_tokens is None else min(facts.min_tokens, max_tokens),
            ignore_eos=facts.ignore_eos or None,
            stream=facts.stream,
            stream_options=facts.stream_options,
            return_token_ids=facts.return_token_ids,
            max_tokens_key=facts.max_tokens_key,
            sampling=self._sampling,
            chat=self.form == "chat",
            extra=facts.extra_body,
        )


class IdsEncoder(Encoder):
    form = "ids"

    def content(self, prompt: Prompt) -> Sequence[int]:
        assert prompt.ids is not None
        ids: list[int] = prompt.ids.tolist()
        return ids


class TextEncoder(Encoder):
    form = "text"

    def content(self, prompt: Prompt) -> str:
        assert prompt.text is not None
        return prompt.text


class ChatEncoder(Encoder):
    form = "chat"
    path = "/chat/completions"

    def content(self, prompt: Prompt) -> Sequence[Turn]:
        assert prompt.messages is not None
        return prompt.messages


ENCODERS: dict[PromptForm, type[Encoder]] = {kind.form: kind for kind in (IdsEncoder, TextEncoder, ChatEncoder)}


def encoder_of(model: str, facts: ApiFacts, sampling: Sampling | None = None) -> Encoder:
    """The encoder of the form that was found."""
    return ENCODERS[facts.form](model, facts, sampling)
