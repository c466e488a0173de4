"""The embedded server: `python -m assay.engines.embedded.server --help`.

Listens at once; `GET /health` is 503 until the engine is loaded and has given its recorded answer. Ends with 0 on
SIGTERM or SIGINT, with 1 if the engine process ends.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from assay.engines.embedded.app import App
from assay.engines.embedded.client import EngineClient
from assay.engines.embedded.command import MODEL_NAME
from assay.engines.embedded.cpu import has_bf16
from assay.engines.embedded.http import HttpConnection
from assay.engines.embedded.model import ModelFiles, ensure_model
from assay.engines.embedded.options import ComputeOptions
from assay.errors import EXIT_FAILED, EXIT_OK, UserError
from assay.extras import require

DESCRIPTION = """The embedded engine alone, as a server to try things on: SmolLM2-135M-Instruct on this machine's CPU.

Listens at once; GET /health is 503 until the model is loaded and has given its recorded answer.
It decodes greedily and takes no temperature but 0."""

logger = logging.getLogger("assay.engines.embedded")

_LAST_ANSWERS_S = 0.2  # for requests in flight to be closed before a failed server ends


def main(
    argv: Sequence[str] | None = None,
    prog: str = "python -m assay.engines.embedded.server",
    ready: Callable[[str], None] = lambda url: None,
) -> int:
    """Serve until told to stop; returns the exit code. `ready` is told the URL once requests are answered."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION)
    parser.add_argument("--host", default="127.0.0.1", help="default: loopback only")
    parser.add_argument("--port", type=int, default=8000, help="0: any free port (default %(default)s)")
    parser.add_argument("--port-file", type=Path, help="where to write the port, once it is open")
    parser.add_argument("--model-name", type=_model_name, default=MODEL_NAME)
    ComputeOptions.add_to(parser)
    parsed = parser.parse_args(argv)
    options = ComputeOptions.from_arguments(parsed)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        require("embedded", "The embedded engine")
        cores, bf16 = len(os.sched_getaffinity(0)), has_bf16()
        if refusal := options.refusal(cores, bf16):
            raise UserError(f"The embedded engine can't start: {refusal}.")
        return uvloop.run(_serve(parsed, options.settled(cores, bf16), ensure_model(progress=logger.info), ready))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def _model_name(text: str) -> str:
    if not re.fullmatch(r"[\w./:@+-]+", text):
        raise argparse.ArgumentTypeError("use letters, digits and ._/:@+- only")
    return text


async def _serve(
    parsed: argparse.Namespace, options: ComputeOptions, files: ModelFiles, ready: Callable[[str], None]
) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    started_ns = time.monotonic_ns()
    engine = EngineClient(files.gguf_f16, options)
    try:
        app = App(parsed.model_name, files, options, engine)
        try:
            server = await loop.create_server(lambda: HttpConnection(app.handle), parsed.host, parsed.port)
        except OSError as error:
            raise UserError(f"Can't listen on {parsed.host}:{parsed.port}: {error.strerror or error}.") from error
        port = server.sockets[0].getsockname()[1]
        if parsed.port_file:
            _write_port(parsed.port_file, port)
        url = f"http://[{parsed.host}]:{port}" if ":" in parsed.host else f"http://{parsed.host}:{port}"
        logger.info("listening on %s, loading the model in %s", url, options.precision)
        follow = loop.create_task(engine.follow())
        announcing = loop.create_task(_announce(engine, started_ns, lambda: ready(url)))
        stopping = loop.create_task(stop.wait())
        await asyncio.wait([follow, stopping], return_when=asyncio.FIRST_COMPLETED)
        announcing.cancel()
        if stop.is_set():
            logger.info("stopping")
            server.close()
            return EXIT_OK
        logger.error("the engine failed: %s", engine.failure)
        await asyncio.sleep(_LAST_ANSWERS_S)
        server.close()
        return EXIT_FAILED
    finally:
        engine.close()


async def _announce(engine: EngineClient, started_ns: int, ready: Callable[[], None]) -> None:
    await engine.ready.wait()
    seconds = (time.monotonic_ns() - started_ns) / 1e9
    logger.info("ready after %.1f s (openvino-genai %s, process %d)", seconds, engine.engine_version, engine.pid)
    ready()


def _write_port(path: Path, port: int) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(f"{port}\n", encoding="ascii")
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
