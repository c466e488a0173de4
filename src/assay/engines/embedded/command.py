"""The command that starts an embedded server."""

from __future__ import annotations

from assay.engines.embedded.options import ComputeOptions

MODEL_NAME = "smollm2-135m"


def server_command(python: str, host: str, port: str, options: ComputeOptions) -> list[str]:
    """The argument list of a server. All but `options` may be placeholders of a launcher.

    The port answers at once; `GET /health` is 503 until the model is loaded and checked, then 200.
    """
    address = ["--host", host, "--port", port, "--model-name", MODEL_NAME]
    return [python, "-m", "assay.engines.embedded.server", *address, *options.arguments()]
