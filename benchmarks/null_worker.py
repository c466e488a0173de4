"""A worker without endpoints: every request has its first token, where it is wanted, and its answer at once.

It is started as a worker is:

    python -m null_worker FD PLAN INDEX PARENT_PID

With HOLD_S in the environment it keeps all answers back until it has been sent nothing for so long; with FIRSTS=0 it
tells no first tokens.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from contextlib import suppress

from assay.load import frames

TOKENS = 128
OUTPUT = bytes(4 * TOKENS)


def answers(sends: list[frames.Send], *, firsts: bool) -> bytes:
    """The messages of a real worker about these requests."""
    now_ns = time.monotonic_ns()
    found = []
    for send in sends:
        if firsts:
            found.append(frames.pack_first(frames.First(send.sample, send.attempt, 7, now_ns)))
        times = (now_ns, now_ns, now_ns, now_ns)
        done = frames.Done(send.sample, send.attempt, send.endpoint, 0, TOKENS, TOKENS, *times, 0, OUTPUT, "")
        found.append(frames.pack_done(done))
    return b"".join(found)


def main(handle: int, hold_s: float, *, firsts: bool) -> None:
    """Reads on while what it has to say isn't read, as a real worker does."""
    connection = socket.socket(fileno=handle)
    connection.setblocking(False)
    reader, held, outbox = frames.FrameReader(), [], bytearray(frames.pack_word(frames.READY))
    while True:
        waiting_s = hold_s if held else None
        readable, writable, _ = select.select([connection], [connection] if outbox else [], [], waiting_s)
        if readable:
            data = connection.recv(1 << 20)
            if not data:
                return
            for frame in reader.feed(data):
                if frame[0] == frames.SEND:
                    held.append(frames.unpack_send(frame))
                elif frame[0] == frames.STOP:
                    return
        if held and (not hold_s or not readable):
            outbox += answers(held, firsts=firsts)
            held = []
        if outbox and (writable or not hold_s):
            with suppress(BlockingIOError):
                del outbox[: connection.send(outbox)]


if __name__ == "__main__":
    main(int(sys.argv[1]), float(os.environ.get("HOLD_S", "0")), firsts=os.environ.get("FIRSTS") != "0")
