"""What the network division asks for: a network between LoadGen and the system, and no work on LoadGen's side of it.

LoadGen's side may send queries, share them out and take answers in; it may not batch, nor do any part of the timed
work (mlcommons/inference b66003e1, loadgen/README.md, QDL). So prompts go as the token ids that were made before the
clock, and answers come back as ids.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from assay.benchmarks.mlperf import NETWORK_SUT_WORDS
from assay.runs import read_detail
from assay.submission.request import Division
from assay.submission.runs import SubmittedRun


def network_problems(run: SubmittedRun, division: Division) -> Iterator[str]:
    """Why a run isn't one of its division, as far as the way between LoadGen and the system tells."""
    named = NETWORK_SUT_WORDS in str(read_detail(run.folder.loadgen_detail).values.get("sut_name", ""))
    if division != "network":
        if named and division == "closed":
            yield "LoadGen was told of a system behind a network (loadgen.over_network): that is the network division"
        return
    if not named:
        yield f"LoadGen wasn't told of a {NETWORK_SUT_WORDS}: set loadgen.over_network"
    yield from _near_ends(run)
    api = run.record.api
    if api is None or api.form != "ids":
        yield "prompts went as text: the server must get token ids, or LoadGen's side does a part of its work"
    if api is None or not api.gives_ids:
        yield "answers came as text: the server must return token ids, or LoadGen's side does a part of its work"


def _near_ends(run: SubmittedRun) -> Iterator[str]:
    """Endpoints on the machine that LoadGen ran on."""
    system = run.system
    here = system.controller.hostname if system else ""
    same = {node.name for node in system.nodes if here and node.hostname == here} if system else set()
    for endpoint in run.record.endpoints:
        tunnelled = endpoint.path == "tunnel"  # whose near end is here, wherever the server is
        if endpoint.node in same or (_is_loopback(endpoint.url) and not tunnelled):
            yield f"{endpoint.name} is on LoadGen's own machine: no network lies between"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
