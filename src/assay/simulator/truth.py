"""What really happened, for comparison with what a client measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import orjson

from assay.simulator.job import Job


class Lateness:
    """How far behind its own schedule the server sent; µs."""

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._sum_ns = 0
        self._count = 0
        self._max_ns = 0

    def add(self, late_ns: int) -> None:
        """One chunk that was sent `late_ns` after it was due."""
        self._count += 1
        self._sum_ns += late_ns
        self._max_ns = max(self._max_ns, late_ns)
        bucket = late_ns // 10_000
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def summary(self) -> dict[str, float]:
        """Chunks, mean, p99 (upper edge of a 10 µs bucket) and maximum."""
        seen, p99 = 0, 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= 0.99 * self._count:
                p99 = (bucket + 1) * 10
                break
        mean = self._sum_ns / self._count / 1000 if self._count else 0.0
        return {"chunks": self._count, "mean_us": mean, "p99_us": p99, "max_us": self._max_ns / 1000}


class Truth:
    """Writes one JSON line a request, and a summary as the last line. Does nothing without a path."""

    def __init__(self, path: Path | None, *, each_token: bool) -> None:
        self._file = self._opened(path) if path else None
        self._each_token = each_token
        self._lines: list[bytes] = []
        self._requests = 0
        self._tokens = 0
        self.lateness = Lateness()

    @staticmethod
    def _opened(path: Path) -> BinaryIO:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")  # a server that is started again must not wipe out what it did before

    @property
    def wants_tokens(self) -> bool:
        """Whether each token's time should be kept."""
        return self._file is not None and self._each_token

    def add(self, job: Job, done_ns: int, status: str) -> None:
        """A request has ended: `status` is done, faulted or dropped (by the client)."""
        self._requests += 1
        self._tokens += job.sent
        if self._file is None:
            return
        line: dict[str, Any] = {
            "id": "cmpl-" + job.request_id.decode(),
            "user": job.user,
            "status": status,
            "fault": job.fault.kind if job.fault else None,
            "arrival_ns": job.arrival_ns,
            "first_ns": job.first_ns,
            "last_ns": job.last_ns,
            "done_ns": done_ns,
            "prompt_tokens": job.prompt_tokens,
            "tokens": job.sent,
            "preempted": job.preempted,
            "cold": job.cold,
        }
        if self._each_token:
            line["token_ns"] = job.token_ns
        self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        """Writes what has gathered."""
        if self._file is not None and self._lines:
            self._file.write(b"".join(self._lines))
            self._file.flush()
        self._lines.clear()

    def close(self) -> None:
        """Writes the summary and closes the file."""
        if self._file is None:
            return
        summary = {"summary": True, "requests": self._requests, "tokens": self._tokens}
        self._lines.append(orjson.dumps({**summary, "lateness": self.lateness.summary()}) + b"\n")
        self.flush()
        self._file.close()
        self._file = None
