"""The command that starts an embedded server."""

from __future__ import annotations

import sys
from pathlib import Path

from assay.engines.embedded.options import EngineOptions, Precision

MODEL_NAME = "smollm2-135m"


def server_command(
    port_file: Path,
    precision: Precision = "bf16",
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    model_name: str = MODEL_NAME,
    threads: int = 0,
    cache_gb: int = 2,
    max_num_seqs: int = 256,
    max_num_batched_tokens: int = 512,
) -> list[str]:
    """The argument list of a server that writes the port it listens on to `port_file`.

    The port answers at once; `GET /health` is 503 until the model is loaded and checked, then 200.
    """
    engine = EngineOptions(precision, threads, cache_gb, max_num_seqs, max_num_batched_tokens)
    command = [sys.executable, "-m", "assay.engines.embedded.server", "--host", host, "--port", str(port)]
    return [*command, "--model-name", model_name, "--port-file", str(port_file), *engine.arguments()]
