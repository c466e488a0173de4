"""Servers as people run them: each is measured, or refused for what it really says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import Quiet, config
from tests.certificates import make_certificate
from tests.dialects import CHAT, COMPLETIONS, MODEL, Dialect, dialect
from tests.proxy import proxy

from assay.audit import Judgement, audit_path
from assay.campaign.runner import run_campaign
from assay.cluster.launcher import LaunchError
from assay.commands import terminal
from assay.errors import UserError
from assay.runs import Ledger, Result, RunFolder, RunRecord, RunStatus, read_requests
from assay.runs.progress import ProgressEvent, read_progress

pytestmark = [pytest.mark.usefixtures("no_reports"), pytest.mark.engine]
SAMPLES = 12


class Measured:
    """One Offline run over short prompts through a campaign."""

    def __init__(self, folder: Path, server: Dialect, engine: dict[str, Any] | None = None, **changes: Any) -> None:
        pytest.importorskip("gguf", reason="needs the embedded extra for its tokenizer")
        prompts = [{"prompt": f"Number {number}: say something{' more' * number}."} for number in range(SAMPLES)]
        (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))
        engine = {"kind": "external", "model": MODEL, "endpoints": [{"url": server.url}], **(engine or {})}
        self.listener = Quiet()
        dataset = {"path": str(folder / "prompts.jsonl"), "max_tokens": 8}
        settings = config(
            folder, engine=engine, cluster={}, **{"dataset": dataset, "load": {"warmup_prompts": 2}, **changes}
        )
        self.outcome = asyncio.run(run_campaign(settings, self.listener))
        (entry,) = self.outcome.state.runs
        assert entry.run is not None
        self.run: RunFolder = self.outcome.folder.run(entry.run)
        self.record = RunRecord.model_validate_json(self.run.record.read_bytes())
        self.ledger = Ledger.model_validate_json(self.run.ledger.read_bytes())
        self.result = Result.model_validate_json(self.run.result.read_bytes())
        self.rows = read_requests(self.run.requests).to_pylist()

    def whole(self) -> Measured:
        """All samples were answered, and the form of the requests is on record."""
        assert self.record.status is RunStatus.COMPLETED, self.record.reason
        assert (self.ledger.completed, self.ledger.failed) == (SAMPLES, 0)
        assert self.record.api is not None
        assert self.record.api.probed
        assert self.record.api.words in self.result.notices
        return self


def refused(folder: Path, server: Dialect, engine: dict[str, Any] | None = None) -> str:
    with pytest.raises(LaunchError) as raised:
        Measured(folder, server, engine)
    return str(raised.value)


def test_token_ids_are_sent_where_they_are_taken(tmp_path: Path) -> None:
    with dialect("ok") as server:
        found = Measured(tmp_path, server).whole()
    assert found.record.api is not None
    assert found.record.api.form == "ids"
    assert {type(asked.body["prompt"]) for asked in server.loads} == {list}
    assert all(row["prompt_tokens_sent"] == row["prompt_tokens_counted"] for row in found.rows)


def test_text_is_sent_where_token_ids_are_refused(tmp_path: Path) -> None:
    with dialect("textonly") as server:
        found = Measured(tmp_path, server).whole()
    assert found.record.api is not None
    assert found.record.api.form == "text"
    assert "valid string" in found.record.api.words
    assert all(isinstance(asked.body["prompt"], str) for asked in server.loads[2:])


def test_chat_is_spoken_where_nothing_else_is(tmp_path: Path) -> None:
    with dialect("chatonly") as server:
        found = Measured(tmp_path, server, {"api": {"extra_body": {"top_k": 1}}}).whole()
    assert found.record.api is not None
    assert found.record.api.form == "chat"
    chats = [asked for asked in server.loads if asked.path == CHAT]
    assert len(chats) > SAMPLES
    assert {asked.body["top_k"] for asked in chats} == {1}
    assert chats[-1].body["messages"][0]["role"] == "user"


def test_fields_that_are_refused_are_left_out_and_told(tmp_path: Path) -> None:
    with dialect("strict", refuses=("return_token_ids", "stream_options")) as server:
        found = Measured(tmp_path, server).whole()
    assert found.record.api is not None
    assert "left out: return_token_ids, stream_options" in found.record.api.words
    assert not {"return_token_ids", "stream_options"} & server.loads[-1].body.keys()


@pytest.mark.parametrize("ending", ["", "/v1"])
def test_an_api_below_a_base_path(tmp_path: Path, ending: str) -> None:
    with dialect("ok", prefix="/serving/llm") as server:
        Measured(tmp_path, server, {"endpoints": [{"url": server.url + ending}]}).whole()
    assert {asked.path for asked in server.loads} == {"/serving/llm" + COMPLETIONS}


def test_a_header_from_the_environment_goes_with_every_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with dialect("ok", needs=("api-key", "K")) as server:
        assert "401" in refused(tmp_path, server)
        assert "missing or bad api-key" in refused(tmp_path, server)
        monkeypatch.setenv("CASE_KEY", "K\n")
        found = Measured(tmp_path, server, {"headers": {"api-key": {"env": "CASE_KEY"}}}).whole()
    assert found.record.api is not None
    assert "CASE_KEY: whitespace" in found.record.api.words


def test_a_key_with_bearer_before_it_is_mended_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASE_KEY", "Bearer K")
    with dialect("ok", needs=("authorization", "Bearer K")) as server:
        found = Measured(tmp_path, server, {"api_key_env": "CASE_KEY"}).whole()
    assert found.record.api is not None
    assert "'Bearer' before the key was left out" in found.record.api.words


def test_a_private_ca(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with dialect("ok", certificate=certificate) as server:
        assert "no TLS connection" in refused(tmp_path, server)
        Measured(tmp_path, server, load={"warmup_prompts": 2, "ca_file": str(certificate[0])}).whole()
        found = Measured(tmp_path, server, {"verify_tls": False}).whole()
    assert found.record.api is not None
    assert "not verified" in found.record.api.words


@pytest.mark.parametrize("secured", [False, True])
def test_a_proxy_is_used_for_everything_where_it_is_asked_for(*, secured: bool, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path) if secured else None
    with dialect("ok", certificate=certificate) as server, proxy() as between:
        only_there = server.url.replace("127.0.0.1", "inside.invalid")
        through = {"endpoints": [{"url": only_there}], "proxy": between.url, "verify_tls": False}
        found = Measured(tmp_path, server, through).whole()
    assert set(between.asked) == {only_there.partition("://")[2]}
    assert found.record.api is not None
    assert f"through the proxy {between.url}" in found.record.api.words


def test_a_proxy_is_used_only_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with dialect("ok") as server, proxy() as between:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, between.url)
        Measured(tmp_path, server).whole()
    assert not between.asked


def test_a_proxy_that_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    with dialect("ok") as server, proxy(refuses="407 Proxy Authentication Required") as between:
        words = refused(tmp_path, server, {"proxy": between.url})
    assert f"the proxy {between.url} opens no tunnel to {server.url.partition('://')[2]}" in words
    assert "407 Proxy Authentication Required" in words
    assert not server.requests


def test_a_server_without_a_list_of_models(tmp_path: Path) -> None:
    with dialect("nomodels") as server:
        words = refused(tmp_path, server)
        assert "404" in words
        assert "check_model: false" in words
        assert "is it up" not in words
        Measured(tmp_path, server, {"check_model": False}).whole()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("redirect", "a redirect to https://127.0.0.1/other"),
        ("gzip", "compressed (gzip)"),
        ("nodone", "needs_done: false"),
        ("nofinish", "ended without a finish_reason"),
    ],
)
def test_what_cant_be_measured_is_refused_by_name_before_the_clock(tmp_path: Path, name: str, words: str) -> None:
    with dialect(name) as server:
        assert words in refused(tmp_path, server)


def test_the_end_marker_can_be_waived(tmp_path: Path) -> None:
    with dialect("nodone") as server:
        Measured(tmp_path, server, {"api": {"needs_done": False}}).whole()


@pytest.mark.parametrize("name", ["pingevent", "ok"])
def test_events_of_another_name_are_nothing_to_a_run(tmp_path: Path, name: str) -> None:
    with dialect(name) as server:
        found = Measured(tmp_path, server).whole()
    assert found.ledger.attempts == SAMPLES


def test_a_server_that_is_warming_up_is_waited_for(tmp_path: Path) -> None:
    with dialect("ok", busy_first=3) as server:
        found = Measured(tmp_path, server).whole()
    assert found.ledger.attempts == SAMPLES


def test_a_rate_limit_is_waited_out_and_told(tmp_path: Path) -> None:
    with dialect("ok", per_s=5) as server:
        found = Measured(tmp_path, server, {"window": 8}).whole()
    assert found.ledger.endpoints[0].reasons["http_429"] > 0
    assert any("come back later" in notice for notice in found.result.notices)
    assert any("come back later" in reason for reason in found.result.verdict.reasons)
    assert not found.result.verdict.valid


def test_a_prompt_that_is_too_long_fails_alone(tmp_path: Path) -> None:
    no_warmup = {"warmup_prompts": 0}
    with dialect("ok") as server:
        lengths = sorted(row["prompt_tokens_sent"] for row in Measured(tmp_path, server, load=no_warmup).rows)
    limit = lengths[SAMPLES // 2] + 8
    with dialect("ok", longest=limit) as server:
        found = Measured(tmp_path, server, load=no_warmup)
    longer = [row for row in found.rows if row["prompt_tokens_sent"] + 8 > limit]
    assert 0 < len(longer) < SAMPLES
    assert {row["status"] for row in longer} == {"http_4xx"}
    assert f"maximum context length is {limit}" in longer[0]["detail"]
    assert found.ledger.attempts == SAMPLES  # each was sent once
    assert (found.ledger.completed, found.ledger.failed) == (SAMPLES - len(longer), len(longer))
    assert f"maximum context length is {limit}" in found.record.reason


def test_a_warm_up_prompt_that_is_too_long_fails_alone(tmp_path: Path) -> None:
    """One of two is refused: the endpoint takes part, and what was asked before the clock was short."""
    lengths = (f"Number {number}: say something{' more' * (9 * number)}." for number in range(SAMPLES))
    samples = [{"prompt": text} for text in lengths]
    (tmp_path / "long.jsonl").write_text("\n".join(map(json.dumps, samples)))
    settings = {"path": str(tmp_path / "long.jsonl"), "max_tokens": 8}
    with dialect("textonly", longest=250) as server:
        found = Measured(tmp_path, server, dataset=settings)
    assert found.record.status is not RunStatus.FAILED, found.record.reason
    warmed = read_requests(found.run.warmup).to_pylist()
    assert {row["status"] for row in warmed} == {"ok", "http_4xx"}
    assert 0 < found.ledger.completed < SAMPLES
    assert "every endpoint failed" not in found.record.reason


def test_a_server_that_finds_every_prompt_too_long_says_so(tmp_path: Path) -> None:
    load = {"kind": "concurrency", "concurrency": 4, "requests": 12}
    with dialect("textonly", longest=80) as server:
        found = Measured(tmp_path, server, campaign={"kind": "bench", "loads": [load]})
    assert found.record.status is RunStatus.FAILED
    assert "during warm-up" in found.record.reason
    assert "maximum context length is 80" in found.record.reason
    assert not any("Fewer requests" in notice for notice in found.result.notices)  # none was issued


def test_the_question_before_the_clock_is_short(tmp_path: Path) -> None:
    with dialect("textonly", longest=80) as server:
        found = Measured(tmp_path, server, load={"warmup_prompts": 0})
    assert found.record.api is not None
    assert found.record.api.form == "text"
    assert found.ledger.failed == SAMPLES  # the samples are longer than the question


@pytest.mark.parametrize("name", ["someempty", "eosonly"])
def test_an_answer_that_ends_at_once_is_a_short_one(tmp_path: Path, name: str) -> None:
    with dialect(name) as server:
        found = Measured(tmp_path, server).whole()
    assert found.ledger.short_outputs > 0
    assert {row["output_tokens"] for row in found.rows} <= {1, 8}
    assert (name == "eosonly") == ({row["output_tokens"] for row in found.rows} == {1})


def test_prompts_that_the_server_cuts_are_told(tmp_path: Path) -> None:
    with dialect("ok", counts_prompt_as=10) as server:
        found = Measured(tmp_path, server)
    assert found.record.status is RunStatus.FAILED
    assert "prompt-tokens contradicted: the server counted fewer than were sent" in found.record.reason
    assert not found.result.verdict.valid
    assert found.result.latency == {}
    (finding,) = audit_path(found.run.path).problems
    assert (finding.rule, finding.verdict) == ("prompt-tokens", Judgement.CONTRADICTED)


def test_texts_that_the_server_cuts_are_told_without_a_tokenizer(tmp_path: Path) -> None:
    load = {"kind": "concurrency", "concurrency": 2, "requests": SAMPLES}
    with dialect("ok", counts_prompt_as=6) as server:
        found = Measured(tmp_path, server, benchmark="own-prompts", campaign={"kind": "bench", "loads": [load]}).whole()
    assert all(row["prompt_tokens_sent"] is None for row in found.rows)
    assert any("it cuts prompts" in notice for notice in found.result.notices)


def test_prompts_from_a_cache_are_recorded_and_forbid_valid(tmp_path: Path) -> None:
    with dialect("ok", usage={"prompt_tokens_details": {"cached_tokens": 6}}) as server:
        found = Measured(tmp_path, server).whole()
    assert {row["cached_tokens"] for row in found.rows} == {6}
    assert any("came from a cache" in reason for reason in found.result.verdict.reasons)


@pytest.mark.parametrize("spelling", ["crlf", "multiline", "comments", "split"])
def test_a_stream_is_read_however_the_standard_lets_it_be_spelt(spelling: str, tmp_path: Path) -> None:
    with dialect(spelling) as server:
        found = Measured(tmp_path, server).whole()
    for row in found.rows:
        assert (row["output_tokens"], len(row["chunk_ns"])) == (8, 8)
        # A comment is no token: the first one comes a gap after it.
        assert spelling != "comments" or row["first_ns"] - row["sent_ns"] >= server.gap_s * 1e9


@pytest.mark.parametrize("held_after", [0, 1])
def test_a_stream_that_is_held_back_has_no_time_between_tokens(tmp_path: Path, held_after: int) -> None:
    with dialect("ok", held_after=held_after) as server:
        found = Measured(tmp_path, server).whole()
    assert any("came in one piece" in reason for reason in found.result.verdict.reasons)
    assert not {"tpot_ns", "itl_ns"} & found.result.latency.keys()
    assert "ttft_ns" in found.result.latency
    assert found.record.api is not None
    assert "streaming asked for" in found.record.api.words


def test_chunks_are_called_so_while_nobody_counts_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with dialect("nousage") as server:
        found = Measured(tmp_path, server).whole()
    (*_, last) = [event for event in read_progress(found.run.progress) if isinstance(event, ProgressEvent)]
    assert (last.tokens_estimated, last.output_tokens) == (True, 8 * SAMPLES)
    monkeypatch.setattr(terminal, "_PLAIN_EVERY_S", 0)
    terminal.Terminal().progress(last)
    assert "chunks/s (the server counts no tokens)" in capsys.readouterr().err
    terminal.Terminal().progress(last.model_copy(update={"tokens_estimated": False}))
    assert "tokens/s" in capsys.readouterr().err


def test_an_answer_that_isnt_streamed_has_none_either(tmp_path: Path) -> None:
    with dialect("whole") as server:
        found = Measured(tmp_path, server, {"api": {"stream": False}}, slo={"ttft": "1s"}).whole()
    assert not {"ttft_ns", "service_ttft_ns", "tpot_ns", "itl_ns"} & found.result.latency.keys()
    assert "latency_ns" in found.result.latency
    assert "goodput_per_s" not in found.result.figures  # nobody knows how long the first token took
    assert not any(asked.body["stream"] for asked in server.loads)
    assert {row["output_tokens"] for row in found.rows} == {8}
    assert "tpot_ns" not in found.result.latency


def test_reasoning_is_counted_and_the_answer_has_a_first_token_of_its_own(tmp_path: Path) -> None:
    with dialect("chatonly", tokens=5, thoughts=3) as server:
        found = Measured(tmp_path, server).whole()
    assert found.record.api is not None
    assert found.record.api.gives_reasoning
    for row in found.rows:
        assert row["first_ns"] < row["first_answer_ns"] < row["last_ns"]
        assert row["streamed_tokens"] == 8
    assert found.result.latency["ttft_ns"].p50 < found.result.latency["answer_ttft_ns"].p50
    assert found.result.figures["reasoning_tokens"].unit == "tokens"


def test_streams_that_are_reset_half_way_are_sent_again_in_warm_up_too(tmp_path: Path) -> None:
    with dialect("midreset") as server:
        found = Measured(tmp_path, server).whole()
    assert found.ledger.resent > 0
    assert set(found.ledger.endpoints[0].reasons) <= {"connection_reset", "truncated"}


def test_prompts_that_the_served_model_cannot_hold_are_told_before_the_clock(tmp_path: Path) -> None:
    with dialect("sayslimit", longest=20) as server:
        with pytest.raises(UserError, match=r"the served model has room for 12 \(20 less 8 for the answer\)"):
            Measured(tmp_path, server)
        assert not server.loads
