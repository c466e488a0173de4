"""The engine process: the continuous-batching loop and nothing else.

Started by the HTTP process with one end of a socket pair; ends when that process does.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.engines.embedded.golden import GOLDEN
from assay.engines.embedded.messages import Add, Cancel, Failed, FinishReason, Message, Ready, Step, pack, unpack
from assay.engines.embedded.options import ComputeOptions
from assay.scratch import scratch_folder

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Load, check, then serve the socket `--fd` until it closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--gguf", type=Path, required=True)
    ComputeOptions.add_to(parser)
    parsed = parser.parse_args()
    _end_with_parent()
    link = Link(socket.socket(fileno=parsed.fd))
    try:
        list(link.receive(wait=False))  # nothing is sent yet: this notices a parent that ended before we asked
        pipeline = load_pipeline(parsed.gguf, ComputeOptions.from_arguments(parsed))
        loop = EngineLoop(pipeline, link)
        loop.check_golden()
        link.send(Ready(_engine_version()))
        loop.run()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the HTTP process ended
    except Exception as error:
        link.send(Failed(f"{type(error).__name__}: {error}"))
        sys.exit(1)
    finally:
        sys.stderr.flush()
    os._exit(0)  # nothing is left to save, and unloading the model takes a while


def _end_with_parent() -> None:
    """The kernel kills this process when the HTTP process ends, even during a long step."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the HTTP process, which ends this one
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def load_pipeline(gguf: Path, options: ComputeOptions) -> Any:
    """OpenVINO GenAI's ContinuousBatchingPipeline for `gguf`, prefix caching off."""
    openvino_genai = import_openvino_genai()
    scheduler = openvino_genai.SchedulerConfig()
    scheduler.cache_size = options.cache_gb
    scheduler.max_num_batched_tokens = options.max_num_batched_tokens
    scheduler.max_num_seqs = options.max_num_seqs
    scheduler.dynamic_split_fuse = True
    scheduler.enable_prefix_caching = False
    properties: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": options.precision,
        "KV_CACHE_PRECISION": options.precision,
    }
    if options.threads:
        properties["INFERENCE_NUM_THREADS"] = options.threads
    with writable(gguf) as opened:
        return openvino_genai.ContinuousBatchingPipeline(str(opened), scheduler, "CPU", properties)


@contextmanager
def writable(gguf: Path) -> Iterator[Path]:
    """OpenVINO opens the file for writing too, if only to read it: where it is another user's, a copy for so long."""
    if os.access(gguf, os.W_OK):
        yield gguf
        return
    with scratch_folder() as folder:
        yield Path(shutil.copyfile(gguf, folder / gguf.name))


def import_openvino_genai() -> Any:
    """The module, imported without the report over the network that importing openvino otherwise makes.

    If its telemetry package can't be imported, openvino uses a stub of its own that does nothing.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino_genai

    return openvino_genai


def _engine_version() -> str:
    from importlib.metadata import version

    return version("openvino-genai")


class Link:
    """The engine's end of the socket pair."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unread = b""

    def send(self, message: Message) -> None:
        """Blocks while the HTTP process is behind."""
        self._connection.sendall(pack(message))

    def receive(self, wait: bool) -> Iterator[Message]:
        """Every message that has arrived; with `wait`, at least one. Raises EOFError when the other end closed."""
        while wait or select.select([self._connection], [], [], 0)[0]:
            received = self._connection.recv(1 << 16)
            if not received:
                raise EOFError
            *lines, self._unread = (self._unread + received).split(b"\n")
            wait = wait and not lines
            yield from map(unpack, lines)


class EngineLoop:
    """Steps the pipeline while there are requests, and sleeps on the link while there are none."""

    def __init__(self, pipeline: Any, link: Link) -> None:
        self._pipeline = pipeline
        self._link = link
        self._requests: dict[int, Any] = {}

    def run(self) -> None:
        """Serve until the link closes (EOFError)."""
        while True:
            for message in self._link.receive(wait=not self._requests):
                if isinstance(message, Add):
                    self._add(message)
                elif isinstance(message, Cancel) and (handle := self._requests.pop(message.request_id, None)):
                    handle.cancel()
            if self._pipeline.has_non_finished_requests():
                self._pipeline.step()
            self._link.send(self._collect())

    def check_golden(self) -> None:
        """Raise RuntimeError unless the pipeline reproduces the recorded answers, which also warms it up."""
        for prompt_ids, expected in GOLDEN:
            self._add(Add(0, prompt_ids, len(expected), 0, []))
            ids: list[int] = []
            while self._requests:
                self._pipeline.step()
                ids += [token for _, tokens, _ in self._collect().outputs for token in tokens]
            if ids != expected:
                raise RuntimeError(
                    f"the model answers a recorded prompt with {ids}, not {expected}: this version of OpenVINO, or "
                    "this processor, computes it wrongly"
                )

    def _add(self, message: Add) -> None:
        import numpy as np
        import openvino
        import openvino_genai

        limits = {"max_new_tokens": message.max_tokens, "min_new_tokens": message.min_tokens}
        if message.stop_ids:
            # OpenVINO's own end-of-sequence token counts unless another is named.
            config = openvino_genai.GenerationConfig(
                do_sample=False, eos_token_id=message.stop_ids[0], stop_token_ids=set(message.stop_ids), **limits
            )
        else:
            config = openvino_genai.GenerationConfig(do_sample=False, ignore_eos=True, **limits)
        ids = openvino.Tensor(np.array([message.prompt_ids], dtype=np.int64))
        self._requests[message.request_id] = self._pipeline.add_request(message.request_id, ids, config)

    def _collect(self) -> Step:
        from openvino_genai import GenerationFinishReason, GenerationStatus

        outputs: list[tuple[int, list[int], FinishReason | None]] = []
        for request_id, handle in list(self._requests.items()):
            ids: list[int] = []
            reason: FinishReason | None = None
            while handle.can_read():
                for output in handle.read().values():
                    ids += output.generated_ids
                    if output.finish_reason != GenerationFinishReason.NONE:
                        reason = "stop" if output.finish_reason == GenerationFinishReason.STOP else "length"
            if reason is None and handle.get_status() != GenerationStatus.RUNNING:
                reason = "error"  # ignored by the scheduler: it doesn't fit into the KV cache
            if reason is not None:
                del self._requests[request_id]
            if ids or reason:
                outputs.append((request_id, ids, reason))
        if not self._requests:
            return Step(outputs, running=0, waiting=0, kv_usage=0.0)
        metrics = self._pipeline.get_metrics()
        running = min(metrics.scheduled_requests, len(self._requests))
        return Step(outputs, running, len(self._requests) - running, metrics.cache_usage / 100)


if __name__ == "__main__":
    main()
