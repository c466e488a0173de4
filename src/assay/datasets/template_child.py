"""The process that renders a chat template: a program of its own, which its parent can lose without harm.

A template is code from a model's maker. Jinja's sandbox keeps it from the machine, but not from looping for ever or
filling the memory: the system's limits on this process do. It imports nothing of this package, so it starts quickly.

Standard input: one line of JSON with `template`, `special_tokens`, `cpu_s` and `memory_bytes`, then one line for each
conversation, its messages. Standard output: one line for each of them, `text` or the `problem`.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

_LONGEST = 1 << 26  # characters


class _GenerationBlock(Extension):
    """`{% generation %}`, which marks the assistant's words for training: its body is rendered as it is."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own way of declaring them

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def main() -> None:
    """Answer line by line until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's is for the parent, which may have more to ask
    setup = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_AS, _within(setup["memory_bytes"], resource.RLIMIT_AS))
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    names = {"tools": None, "documents": None, "add_generation_prompt": True, **setup["special_tokens"]}
    compiled: list[Any] = []

    def compile_it() -> str:
        compiled.append(environment.from_string(setup["template"]))  # constants are computed here already
        return ""

    _answer(compile_it, setup["cpu_s"])
    for line in sys.stdin.buffer:
        messages = json.loads(line)
        _answer(lambda messages=messages: compiled[0].render(messages=messages, **names), setup["cpu_s"])  # type: ignore[misc]


def _answer(work: Callable[[], str], cpu_s: int) -> None:
    """Do it within `cpu_s` seconds of processor time, beyond which the system ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, _within(limit, resource.RLIMIT_CPU))
    try:
        text = work()
        if len(text) > _LONGEST:
            raise MemoryError
        reply = json.dumps({"text": text})
    except TemplateSyntaxError as error:
        reply = json.dumps({"problem": f"line {error.lineno}: {error.message}"})
    except TemplateError as error:
        reply = json.dumps({"problem": error.message or type(error).__name__})
    except MemoryError:
        reply = '{"runaway": true}'
    except Exception as error:  # whatever the template's own code meets
        reply = json.dumps({"problem": f"{type(error).__name__}: {error}"[:500]})
    sys.stdout.write(reply + "\n")
    sys.stdout.flush()


def _within(limit: int, kind: int) -> tuple[int, int]:
    """The soft limit, which may not be above the hard one."""
    hard = resource.getrlimit(kind)[1]
    return (limit if hard == resource.RLIM_INFINITY else min(limit, hard)), hard


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


if __name__ == "__main__":
    main()
