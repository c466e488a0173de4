"""How requests were written and what the server's replies hold: learnt from one request before the clock."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PromptForm = Literal["ids", "text", "chat"]
_FORMS = {"ids": "token ids to /completions", "text": "text to /completions", "chat": "messages to /chat/completions"}


class ApiFacts(BaseModel):
    """One form of request, the same to all endpoints of a campaign."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: PromptForm
    probed: bool = Field(default=False, description="false: known of the engine, nothing was asked")
    stream: bool = True
    stream_options: bool = Field(default=True, description="the usage was asked for in the stream")
    return_token_ids: bool = Field(default=True, description="token ids were asked for")
    min_tokens: int | None = Field(default=None, description="that was asked for; null: none")
    ignore_eos: bool = False
    max_tokens_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    needs_done: bool = True
    extra_body: dict[str, Any] = Field(default_factory=dict)
    gives_ids: bool | None = Field(default=None, description="replies hold token ids; null: not asked")
    gives_usage: bool | None = None
    gives_reasoning: bool | None = None
    simulated: bool = Field(default=False, description="a reply said that Assay's simulator made it")
    notes: list[str] = Field(default_factory=list, description="what was refused, and remarks on the connections")

    @property
    def words(self) -> str:
        """One line for reports."""
        parts = [f"Requests: {_FORMS[self.form]}, {'streaming asked for' if self.stream else 'not streamed'}"]
        if self.probed:
            source = "token ids" if self.gives_ids else "usage" if self.gives_usage else "none by the server"
            parts.append(f"as one request before the clock showed; tokens counted by: {source}")
        if self.gives_reasoning:
            parts.append("the model streams its reasoning")
        if self.ignore_eos:
            parts.append("answers asked to be as long as their limit (ignore_eos)")
        if self.extra_body:
            parts.append(f"extra fields: {', '.join(sorted(self.extra_body))}")
        return "; ".join([*parts, *self.notes]) + "."
