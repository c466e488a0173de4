"""The simulator's replies, made ahead or not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from assay.simulator.rendering import CYCLE, Output, Rendering


@pytest.mark.parametrize(("each_token", "ahead"), [(True, CYCLE), (False, 0)])
def test_only_what_chunks_of_one_token_need_is_made_ahead(
    monkeypatch: pytest.MonkeyPatch, each_token: bool, ahead: int
) -> None:
    encode, events = orjson.dumps, []

    def dumps(value: Any) -> bytes:
        events.append(value)
        return encode(value)

    monkeypatch.setattr(orjson, "dumps", dumps)
    Rendering(Output(0), "m", chat=False, with_ids=True, each_token=each_token)
    assert len(events) == 1 + ahead  # one shows where the opening ends


def test_chunks_of_several_tokens_are_the_same_either_way() -> None:
    one, other = (Rendering(Output(3), "m", chat=True, with_ids=True, each_token=each) for each in (True, False))
    openings = [each.opening(b"%016x" % 7) for each in (one, other)]
    assert openings[0] == openings[1]
    assert one.chunk_of_several(openings[0], 5, 4, "stop") == other.chunk_of_several(openings[1], 5, 4, "stop")
