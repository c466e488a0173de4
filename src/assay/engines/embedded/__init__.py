"""The embedded engine: OpenVINO GenAI serving SmolLM2-135M-Instruct on CPU cores, as a server process of its own.

Design
------
`python -m assay.engines.embedded.server` is two processes. The *HTTP process* (asyncio) parses requests, tokenises,
detokenises and streams; the *engine process* (its child) runs nothing but the continuous-batching loop. They
exchange one small message a request and one a step over a socket pair. In one process the loop starves the event
loop: at 32 requests in flight the time to first token is some twenty times longer. If either process ends, so does
the other, and requests in flight fail by a closed connection, never by a made-up answer.

The model comes from the package index as a Q4_1 file, which OpenVINO misreads; `ensure_model` dequantises it once
to F16 and checks every file by its SHA-256. Before it serves, the engine generates a short recorded text and
refuses to start if one token id differs.

Prefix caching is off: a repeated prompt is computed again, so a repeated run is no faster. Decoding is greedy.
In f32 a request's tokens don't depend on what else is in the batch; in bf16 (faster, the default where the CPU has
it) they may. A model of 135 million parameters repeats itself and invents facts: this is a true pipeline with a toy
model.

`openvino-telemetry`, a dependency of OpenVINO, reports each import of `openvino` to its makers. The engine process
makes that package unimportable for itself before it imports `openvino`, which then uses its own silent stub;
nothing is sent, and no consent file is read or written.
"""

from assay.engines.embedded.command import server_command
from assay.engines.embedded.model import ModelFiles, ensure_model
from assay.engines.embedded.tokenizer import bundled_tokenizer

__all__ = ["ModelFiles", "bundled_tokenizer", "ensure_model", "server_command"]
