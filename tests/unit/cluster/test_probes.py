"""Probes beside servers: listened to from their first line to their end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.cluster import probes as module
from assay.cluster.docker.probe import start_probe
from assay.cluster.kubernetes.probe import PodProbe
from assay.cluster.probes import ProbeProcess, Probes
from assay.serving.probing import observing


async def test_a_probe_of_this_machine_tells_lines_until_it_is_ended() -> None:
    lines: list[bytes] = []
    probes = Probes()
    probe = await start_probe(None, observing([], 1))
    assert isinstance(probe, ProbeProcess)
    assert await probes.listen(probe.lines, lines.append, probe.end)
    child = probe._process.pid
    await probes.end()
    assert json.loads(lines[0])["gpus"] == {}
    assert not Path(f"/proc/{child}").exists()


async def test_one_that_ends_without_a_word_is_told() -> None:
    probes = Probes()
    probe = await ProbeProcess.start("true", stdin=b"")
    assert not await probes.listen(probe.lines, print, probe.end)
    await probes.end()


async def test_one_that_says_nothing_is_waited_for_no_longer_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_LINE_S", 0.01)
    probes = Probes()
    probe = await ProbeProcess.start("sleep", "600", stdin=b"")
    assert not await probes.listen(probe.lines, print, probe.end)
    await probes.end()


class FakeStream:
    """As much of the Kubernetes client's WSClient as is used: what it gives, a piece each look."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = list(pieces)
        self.closed = False

    def is_open(self) -> bool:
        return bool(self.pieces)

    def update(self, timeout: float) -> None:
        if self.pieces[0] == "torn":
            raise ConnectionError

    def read_all(self) -> str:
        return self.pieces.pop(0)

    def close(self) -> None:
        self.closed = True


class FakeApi:
    async def close(self) -> None:
        return


@pytest.mark.parametrize("end", [[], ["torn"]])
async def test_lines_of_a_pod_are_put_together_from_pieces(end: list[str]) -> None:
    stream = FakeStream('{"host": {}, ', '"gpus": {}}\n{"ho', 'st"}\n', *end)
    api: Any = FakeApi()
    probe = PodProbe(api, stream)
    assert [line async for line in probe.lines] == [b'{"host": {}, "gpus": {}}', b'{"host"}']
    await probe.end()
    assert stream.closed
