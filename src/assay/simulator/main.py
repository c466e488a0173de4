"""The simulator as a program: options, processes, ports."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import dataclasses
import errno
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from assay.errors import EXIT_OK, AssayError, UserError
from assay.simulator.config import SimulatorConfig

_SET_PARENT_DEATH_SIGNAL = 1


def main(argv: Sequence[str] | None = None, prog: str = "python -m assay.simulator") -> int:
    """Runs the simulator as `prog`; the exit code."""
    try:
        serve(_config_from(argv, prog))
    except AssayError as error:
        print(f"assay: {error}", file=sys.stderr)
        return error.exit_code
    return EXIT_OK


def serve(config: SimulatorConfig) -> None:
    """Serves until SIGTERM or SIGINT; with several processes until all have ended.

    Raises `AssayError` if a port can't be had or a process dies.
    """
    if config.processes == 1:
        _serve_in_this(config.of_process(0), lambda ports: _announce(config, ports))
        return
    with contextlib.ExitStack() as held:
        if config.one_port and not config.port:
            config = dataclasses.replace(config, port=held.enter_context(_shared_port(config.host)))
        _serve_several(config)


@contextlib.contextmanager
def _shared_port(host: str) -> Iterator[int]:
    """A free port, which nobody gets who doesn't share it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host, 0))
        yield holder.getsockname()[1]


def _serve_several(config: SimulatorConfig) -> None:
    context = multiprocessing.get_context("spawn")
    children, pipes = [], []
    for index in range(config.processes):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(config.of_process(index), theirs, os.getpid()))
        child.start()
        theirs.close()
        children.append(child)
        pipes.append(ours)

    def stop(*_: object) -> None:
        for child in children:
            child.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        _announce(config, list(dict.fromkeys(port for pipe in pipes for port in _ports_from(pipe))))
    except AssayError:
        stop()
        raise
    finally:
        for child in children:
            child.join()


def _config_from(argv: Sequence[str] | None, prog: str) -> SimulatorConfig:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="An OpenAI-compatible server with a chosen speed, latency and set of faults.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML with these options; options win")
    for name, text in _OPTIONS.items():
        parser.add_argument("--" + name.replace("_", "-"), help=text)
    parser.add_argument("--speed", type=float, nargs="+", help="divides every interval; one number, or one an endpoint")
    parser.add_argument("--one-port", action="store_true", help="all processes are one endpoint and share its port")
    parser.add_argument("--truth-tokens", action="store_true", help="truth has the time of each token")
    parser.add_argument(
        "--fault",
        action="append",
        dest="faults",
        metavar="kind=K[,at=S][,after=N][,for=S][,p=P][,factor=F]",
        help="die, hang, slow, cold_start, error_500, error_429, reset, half_close, garbage, malformed_sse, empty, "
        "short_count, corrupt or refuse; may be given again",
    )
    options: dict[str, Any] = vars(parser.parse_args(argv))
    file = options.pop("config", None)
    return SimulatorConfig.from_fields({**(_read_yaml(file) if file else {}), **options})


_OPTIONS = {
    "host": "address to listen on (127.0.0.1)",
    "port": "first port (8000); 0 is any free one",
    "port_file": "gets one port a line when all endpoints listen",
    "processes": "processes, each with as many endpoints (1)",
    "endpoints_per_process": "endpoints in each process, each with a port of its own (1)",
    "model": "the name under which it serves (simulated)",
    "seed": "of outputs, jitter and faults (0)",
    "ttft_ms": "from admission to the first token (0)",
    "ttft_per_prompt_token_ms": "added for each prompt token (0)",
    "itl_ms": "between the tokens of a request (0)",
    "itl_per_seq_ms": "added for each running request (0)",
    "tokens_per_step": "tokens in a chunk (1)",
    "jitter": "sigma of the log-normal factor on every interval (0)",
    "cold_factor": "how much longer the first interval at a batch size takes (1)",
    "cold_intervals": "intervals at a batch size until the server is warm there (0)",
    "max_num_seqs": "requests that run at a time (1024)",
    "kv_tokens": "tokens that running requests hold together; 0 is no limit",
    "output_tokens": "tokens until the end of sequence; 0 is max_tokens",
    "output_sigma": "sigma of a log-normal distribution of output lengths (0)",
    "truth": "JSON lines with the true times of each request",
    "tls_cert": "PEM file; serves HTTPS",
    "tls_key": "PEM file",
}


def _read_yaml(file: Path) -> dict[str, Any]:
    from assay.safe_yaml import read_yaml

    fields = read_yaml(file).data
    if not isinstance(fields, dict):
        raise UserError(f"{file} must hold options by name, such as `ttft_ms: 50`")
    return fields


def _announce(config: SimulatorConfig, ports: list[int]) -> None:
    for port in ports:
        print(f"simulated endpoint: http{'s' if config.tls_cert else ''}://{config.host}:{port}", flush=True)
    if config.port_file:
        partial = config.port_file.with_name(config.port_file.name + ".partial")
        partial.write_text("".join(f"{port}\n" for port in ports))
        partial.rename(config.port_file)


def _ports_from(pipe: Pipe) -> list[int]:
    try:
        answer = pipe.recv()
    except EOFError:
        raise AssayError("a simulator process ended before it listened") from None
    if isinstance(answer, str):
        raise AssayError(answer)
    return list(answer)


def _child(configs: list[SimulatorConfig], pipe: Pipe, parent: int) -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        return
    try:
        _serve_in_this(configs, pipe.send)
    except AssayError as error:
        pipe.send(str(error))


def _why(error: OSError) -> str:
    taken = error.errno == errno.EADDRINUSE
    return "the port is taken; choose another with --port, or 0 for any free one" if taken else str(error)


def _serve_in_this(configs: Sequence[SimulatorConfig], listening: Callable[[list[int]], None]) -> None:
    """Serves these endpoints in this process; `listening` is told their ports."""
    import uvloop

    from assay.simulator.server import SimulatorServer

    async def run() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        servers = [SimulatorServer(config) for config in configs]
        for config, server in zip(configs, servers, strict=True):
            try:
                await server.start()
            except OSError as error:
                raise UserError(f"can't listen on {config.host}:{config.port}: {_why(error)}") from error
        listening([server.port for server in servers])
        await stopped.wait()
        for server in servers:
            await server.stop()

    uvloop.run(run())
