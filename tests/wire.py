"""A connection without a network: what is fed to it is what a server would have sent."""

from __future__ import annotations

from assay.load.transport import Exchange
from assay.load.transport.connection import Connection


def head(*fields: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([b"HTTP/" + version + b" " + status, *fields, b"", b""])


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer + b"\r\n"


class Wire:
    """A transport that keeps what is written, and an owner that keeps what it is told."""

    def __init__(self, request: bytes = b'{"stream":true}') -> None:
        self.written: list[bytes] = []
        self.aborted = False
        self.told: list[str] = []
        self.exchange = Exchange(7)
        self.connection = Connection(self, b"POST / HTTP/1.1\r\nContent-Length: ")
        self.connection.connection_made(self)  # type: ignore[arg-type]
        self.connection.send(self.exchange, request)

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True

    def first_token(self, exchange: Exchange) -> None:
        self.told.append("first")

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        self.told.append("done")

    def dropped_while_idle(self, exchange: Exchange, body: bytes) -> None:
        self.told.append("dropped")

    def lost(self, connection: Connection) -> None:
        self.told.append("lost")

    def feed(self, data: bytes, *cuts: int) -> Wire:
        places = [0, *sorted(cuts), len(data)]
        for k in range(len(places) - 1):
            if piece := data[places[k] : places[k + 1]]:
                self.connection.data_received(piece)
        return self
