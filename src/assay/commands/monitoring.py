"""What a campaign tells a site's own monitoring while it is carried out: the options, and what they start."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from assay.errors import UserError

if TYPE_CHECKING:
    from assay.commands.terminal import Terminal
    from assay.metrics import Live
    from assay.metrics.otlp import Sender


@dataclass(frozen=True)
class Monitoring:
    """Who is told; nobody where nothing is given."""

    port: int | None = None
    host: str = "127.0.0.1"
    otlp: str | None = None

    @contextmanager
    def of(self, terminal: Terminal) -> Iterator[None]:
        """Tell of the campaign that `terminal` is shown. Raises UserError where that can't be."""
        from assay.metrics import Live

        live = Live(lambda: terminal.folder)
        if self.port is not None:
            from assay.metrics.prometheus import serve_metrics

            terminal.say(f"metrics for Prometheus: {serve_metrics(live, self.host, self.port)}")
        sender = self._sender(live, terminal)
        if sender is None:
            yield
            return
        sender.start()
        try:
            yield
        finally:
            sender.stop()

    def _sender(self, live: Live, terminal: Terminal) -> Sender | None:
        """Where only the environment asks for it, which it may do for all programs, what prevents it ends nothing."""
        from assay.metrics.otlp import Sender, endpoint_variable

        variable = None if self.otlp else endpoint_variable()
        if self.otlp is None and variable is None:
            return None
        try:
            sender = Sender(live, self.otlp, terminal.say)
        except UserError as error:
            if self.otlp:
                raise
            terminal.say(f"{variable} is set, but {error}")
            return None
        terminal.say(f"metrics are sent by OTLP, as {'--otlp' if self.otlp else variable} says")
        return sender


def monitoring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options that the command gets as one, `monitoring`."""

    @click.option(
        "--metrics-port", type=click.IntRange(0, 65535), metavar="PORT", help="Answer Prometheus there; 0: a free one."
    )
    @click.option(
        "--metrics-host",
        metavar="ADDRESS",
        help="Of --metrics-port; anyone who reaches it may read. [default: 127.0.0.1]",
    )
    @click.option(
        "--otlp", metavar="URL", help="Send metrics to this OpenTelemetry collector, such as http://HOST:4318."
    )
    @functools.wraps(command)
    def packed(*, metrics_port: int | None, metrics_host: str | None, otlp: str | None, **rest: Any) -> None:
        if metrics_host is not None and metrics_port is None:
            raise click.UsageError("--metrics-host goes with --metrics-port")
        command(monitoring=Monitoring(metrics_port, metrics_host or Monitoring.host, otlp), **rest)

    return packed
