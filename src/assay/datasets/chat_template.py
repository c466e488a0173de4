"""Chat templates rendered as `transformers` renders them, in a process that can't outgrow its limits."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assay.datasets.model import Message
from assay.errors import UserError

CPU_S = 10
"""Of processor time, for one conversation. A real template takes milliseconds."""
MEMORY_BYTES = 1 << 30

# Beyond the processor time; and what a memory that can't grow does to code in C.
_BY_LIMITS = (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGABRT)
_CHILD = Path(__file__).with_name("template_child.py")


def chat_renderer(template: str, special_tokens: dict[str, str]) -> Callable[[Sequence[Message]], str]:
    """A function from a conversation to the text that a model expects: the messages, then the assistant's turn.

    `special_tokens` are the names a template may use (`bos_token`, `eos_token`, …) with their texts. A template may
    ask for the date, as Llama 3.1's does; its prompts then differ from day to day. Raises `UserError` if the
    template can't be compiled, and the function does if it can't be rendered, both also if it takes more than
    `CPU_S` or `MEMORY_BYTES`.
    """
    setup = {"template": template, "special_tokens": special_tokens, "cpu_s": CPU_S, "memory_bytes": MEMORY_BYTES}
    child = _Child()
    if problem := child.ask(setup).get("problem"):
        raise UserError(f"The chat template can't be compiled: {problem}.")

    def render(messages: Sequence[Message]) -> str:
        reply = child.ask([{"role": message.role, "content": message.content} for message in messages])
        if problem := reply.get("problem"):
            roles = ", ".join(message.role for message in messages)
            raise UserError(f"The chat template refuses the messages ({roles}): {problem}.")
        text: str = reply["text"]
        return text

    return render


class _Child:
    """The process, which lives as long as whoever holds this."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        weakref.finalize(self, _end, self._process)

    def ask(self, question: Any) -> dict[str, Any]:
        """One line to it and its answer. Raises UserError where it outgrew its limits, now or before."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(question).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = b""
        reply: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {"ended": self._process.wait()}
        if reply.get("ended") not in (None, *_BY_LIMITS):
            raise UserError(f"The process that renders the chat template ended (exit code {reply['ended']}).")
        if "ended" in reply or reply.get("runaway"):
            raise UserError(
                f"The chat template runs away: it takes more than {CPU_S} s of processor time or "
                f"{MEMORY_BYTES >> 30} GiB of memory for one conversation. Is it the model's own?"
            )
        return reply


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
