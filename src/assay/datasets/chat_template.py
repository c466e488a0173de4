"""Chat templates rendered as `transformers` renders them, in a sandbox: a template is code from a model's maker."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from assay.datasets.model import Message
from assay.errors import UserError


class _GenerationBlock(Extension):
    """`{% generation %}`, which marks the assistant's words for training: its body is rendered as it is."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own way of declaring them

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def chat_renderer(template: str, special_tokens: dict[str, str]) -> Callable[[Sequence[Message]], str]:
    """A function from a conversation to the text that a model expects: the messages, then the assistant's turn.

    `special_tokens` are the names a template may use (`bos_token`, `eos_token`, …) with their texts. A template may
    ask for the date, as Llama 3.1's does; its prompts then differ from day to day. Raises `UserError` if the
    template can't be compiled, and the function does if it can't be rendered.
    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    try:
        compiled = environment.from_string(template)
    except TemplateSyntaxError as error:
        raise UserError(f"The chat template can't be compiled: line {error.lineno}: {error.message}.") from error

    def render(messages: Sequence[Message]) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            return compiled.render(
                messages=turns, tools=None, documents=None, add_generation_prompt=True, **special_tokens
            )
        except (TemplateError, SecurityError) as error:
            roles = ", ".join(message.role for message in messages)
            raise UserError(f"The chat template refuses the messages ({roles}): {error.message}.") from error

    return render


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Jinja's own filter escapes HTML, which would change the prompt.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> None:
    raise TemplateError(message)


def _strftime_now(format: str) -> str:  # noqa: A002 - the name that templates use
    return datetime.now().astimezone().strftime(format)
