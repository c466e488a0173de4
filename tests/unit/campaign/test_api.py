"""What the servers of a campaign take is asked of many at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from assay.campaign import api, preflight
from assay.campaign.plan_text import nodes_text
from assay.cluster.launcher import LaunchError
from assay.errors import AssayError
from assay.load.encoders import Prompt
from assay.runs.api import ApiFacts

_LIMIT_S = 20  # only where one is asked after the other, which never meet
FACTS = ApiFacts(form="text")


class Meeting:
    """Stands for a question to a server: nobody has an answer before four are asked."""

    def __init__(self) -> None:
        self._all = asyncio.Barrier(4)

    async def ask(self) -> None:
        async with asyncio.timeout(_LIMIT_S):
            await self._all.wait()


def prepared() -> Any:
    encoded: list[ApiFacts] = []
    return SimpleNamespace(
        prompts=[Prompt(text="Say it")],
        benchmark=SimpleNamespace(min_new_tokens=1),
        encode=lambda model, facts: encoded.append(facts),
        encoded=encoded,
    )


def engine() -> Any:
    return SimpleNamespace(api=object(), takes=SimpleNamespace(min_tokens=True), model="m")


def connections(count: int) -> Any:
    return {f"e{number}": SimpleNamespace(url=f"http://e{number}", remarks=list) for number in range(count)}


async def test_all_endpoints_but_the_first_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting, work = Meeting(), prepared()

    async def probe(*_: object) -> ApiFacts:
        return FACTS

    async def confirm(connection: Any, model: str, facts: ApiFacts, prompt: Prompt) -> ApiFacts:
        await meeting.ask()
        return facts.model_copy(update={"simulated": connection.url == "http://e3"})

    monkeypatch.setattr(api, "probe_api", probe)
    monkeypatch.setattr(api, "confirm_api", confirm)
    await api.learn_api(engine(), work, connections(5))
    assert work.encoded == [FACTS.model_copy(update={"simulated": True})]


async def test_endpoints_that_take_something_else_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def probe(*_: object) -> ApiFacts:
        return FACTS

    async def confirm(connection: Any, **_: object) -> ApiFacts:
        if connection.url in ("http://e2", "http://e4"):
            raise AssayError(f"{connection.url} doesn't take what another endpoint takes")
        return FACTS

    monkeypatch.setattr(api, "probe_api", probe)
    monkeypatch.setattr(api, "confirm_api", confirm)
    with pytest.raises(LaunchError) as caught:
        await api.learn_api(engine(), prepared(), connections(6))
    assert [f"http://e{number}" in str(caught.value) for number in range(6)] == [
        number in (2, 4) for number in range(6)
    ]


async def test_a_preflight_asks_endpoints_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting()

    async def answer(endpoint: str, plan: Any) -> str:
        await meeting.ask()
        return f"row of {endpoint}"

    async def learn(*_: object) -> str:
        return ""

    running = [SimpleNamespace(name=f"e{number}", url="http://h", node="n") for number in range(4)]
    made = SimpleNamespace(endpoints=lambda: running, kind="external", model="m", window=1, connection=lambda *_: None)
    monkeypatch.setattr(preflight, "build_engine", lambda _: made)
    monkeypatch.setattr(preflight, "learn_api", learn)
    monkeypatch.setattr(
        preflight,
        "load_plan",
        lambda work, entry, endpoints, folder: SimpleNamespace(endpoints=[e.name for e in endpoints]),
    )
    monkeypatch.setattr(preflight, "_answer", answer)
    config: Any = SimpleNamespace(engine=None, reach=None)
    work, entry, scratch = prepared(), SimpleNamespace(), preflight.Path()
    rows: list[Any] = await preflight._answers(config, work, entry, scratch, set())  # type: ignore[arg-type]
    assert rows == [f"row of e{number}" for number in range(4)]


def test_a_thousand_nodes_are_named_by_the_first_and_the_last() -> None:
    assert nodes_text(["a", "b", "c"]) == "a, b, c"
    assert nodes_text([f"n{number}" for number in range(1000)]) == "n0 … n999 (1000 nodes)"
