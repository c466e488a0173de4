"""Reading an engine's Prometheus page."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from assay.runs import EndpointFacts, read_telemetry, write_telemetry
from assay.runs.metric_names import KV_CACHE
from assay.serving.client import Answer, ControlClient
from assay.serving.connection import EndpointConnection
from assay.telemetry import sampler as sampler_module
from assay.telemetry.nodes import NodeActivity
from assay.telemetry.sampler import Sampler, parse_prometheus

# Names and numbers as vLLM 0.25.0 gave them on an H200; the labels, the second engine and the last four are by hand.
PAGE = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 512.0
vllm:num_requests_running{engine="1",model_name="m"} 488.0
vllm:num_requests_waiting{engine="0",model_name="m"} 361.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75
vllm:prompt_tokens_total{engine="0",model_name="m"} 748154.0
vllm:generation_tokens_total{engine="0",model_name="m"} 189011.0
vllm:generation_tokens_created{engine="0",model_name="m"} 1.7953093e+09
vllm:e2e_request_latency_seconds_bucket{engine="0",le="0.3",model_name="m"} 4.0
python_gc_objects_collected_total{generation="0"} 3817.0
process_resident_memory_bytes 1.5e+09
"""


def test_values_are_summed_over_engines_and_shares_averaged() -> None:
    assert parse_prometheus(PAGE) == {
        "vllm:num_requests_running": 1000.0,
        "vllm:num_requests_waiting": 361.0,
        "vllm:kv_cache_usage_perc": 0.5,
        "vllm:prompt_tokens_total": 748154.0,
        "vllm:generation_tokens_total": 189011.0,
    }


@pytest.mark.parametrize(
    ("page", "name", "value"),
    [
        # Names as the servers' documentation has them; numbers by hand.
        ('sglang:token_usage{model_name="m"} 0.28\nsglang:token_usage{model_name="n"} 0.3', "sglang:token_usage", 0.29),
        ("llamacpp:kv_cache_usage_ratio 0.5", "llamacpp:kv_cache_usage_ratio", 0.5),
        ('vllm:kv_cache_usage_perc{engine="0"} 0.25', "vllm:kv_cache_usage_perc", 0.25),
    ],
)
def test_every_servers_share_of_its_cache_is_found(page: str, name: str, value: float) -> None:
    assert parse_prometheus(page) == {name: pytest.approx(value)}
    assert KV_CACHE.search(f"node-0/{name}")


def test_lines_that_are_no_metrics_are_passed_over() -> None:
    assert parse_prometheus("<html>\nnot found\n\na 1\n") == {"a": 1.0}


@pytest.mark.parametrize(
    "line", ["a nan", "a inf", "a 1e999", "a 1e308\na 1e308", "\x1b[2Ja 1", "a" * 5000 + " 1", "a x" * 99]
)
def test_values_and_names_that_a_table_cant_hold_are_passed_over(line: str) -> None:
    assert parse_prometheus(f"{line}\nb 2") == {"b": 2.0}


def sampler_of(name: str, folder: Path) -> Sampler:
    endpoint = EndpointFacts(name=name, url="http://127.0.0.1:9", node="here", engine="external", model="m", window=8)
    return Sampler([endpoint], {name: EndpointConnection(url=endpoint.url)}, journal=folder / "telemetry.arrows")


def sampled(folder: Path) -> list[dict[str, Any]]:
    """What the journal holds now."""
    write_telemetry(folder / "telemetry.arrows", folder / "telemetry.parquet")
    return cast(list[dict[str, Any]], read_telemetry(folder / "telemetry.parquet").to_pylist())


def test_a_page_that_makes_up_names_fills_no_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pages = iter(range(1000))

    async def made_up(self: ControlClient, path: str, limit_s: float) -> Answer:
        page = next(pages)
        return Answer("GET", 200, {}, b"real 1\n" + b"".join(b"m%d_%d 1\n" % (page, n) for n in range(999)))

    monkeypatch.setattr(ControlClient, "get", made_up)
    sampler = sampler_of("e", tmp_path)
    rounds = iter(range(6))
    monkeypatch.setattr(sampler._over, "wait", lambda every_s: next(rounds, None) is None)
    sampler.start()
    sampler._thread.join(30)
    sampler.stop()
    names = [row["metric"] for row in sampled(tmp_path)]
    mine = [name for name in names if name.startswith("e/")]
    assert len(set(mine)) == sampler_module._MOST_METRICS
    assert mine.count("e/real") == 6


def test_a_look_that_never_ends_doesnt_keep_a_run_from_its_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    never = threading.Event()
    monkeypatch.setattr(sampler_module, "_LAST_LOOK_S", 0.01)
    monkeypatch.setattr(Sampler, "_run", lambda self: never.wait())
    sampler = sampler_of("e", tmp_path)
    sampler.start()
    sampler.stop()
    never.set()
    assert sampled(tmp_path) == []


def test_what_was_sampled_is_on_disk_while_the_run_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[int] = []

    def wait(every_s: float) -> bool:
        seen.append(len([row for row in sampled(tmp_path) if row["metric"] == "cpu_percent"]))
        return len(seen) == 3

    sampler = sampler_of("e", tmp_path)
    monkeypatch.setattr(sampler._over, "wait", wait)
    sampler.start()
    sampler._thread.join(30)
    assert seen == [0, 1, 2]
    sampler.stop()


def test_a_look_that_the_system_refuses_is_not_the_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Too many open files, a full disk: neither need last."""
    sampler = sampler_of("e", tmp_path)
    rounds, refusals = iter(range(3)), iter([OSError(errno.EMFILE, "Too many open files"), OSError(errno.ENOSPC, "")])

    def read() -> dict[str, float]:
        if (refusal := next(refusals, None)) is not None:
            raise refusal
        return {"package": 1.0}

    monkeypatch.setattr(sampler._packages, "read", read)
    monkeypatch.setattr(sampler._over, "wait", lambda every_s: next(rounds, None) is None)
    sampler.start()
    sampler._thread.join(30)
    sampler.stop()
    assert [row["value"] for row in sampled(tmp_path) if row["metric"] == "package"] == [1.0]


def test_what_comes_after_the_end_is_dropped(tmp_path: Path) -> None:
    sampler = sampler_of("e", tmp_path)
    sampler.start()
    sampler.stop()
    sampler._add("here", "late", 1, 1.0)
    sampler._flush()
    assert "late" not in [row["metric"] for row in sampled(tmp_path)]


def test_of_many_endpoints_a_bounded_number_is_asked_a_second_and_all_have_their_turn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = [f"e{number}" for number in range(100)]
    asked: list[str] = []

    async def get(self: ControlClient, path: str, limit_s: float) -> Answer:
        asked.append(self.connection.url)
        return Answer("GET", 200, {}, b"m 1\n")

    monkeypatch.setattr(ControlClient, "get", get)
    monkeypatch.setattr(sampler_module, "_SCRAPED_A_SECOND", 40)
    endpoints = [
        EndpointFacts(name=name, url=f"http://{name}:9", node="here", engine="external", model="m", window=8)
        for name in names
    ]
    sampler = Sampler(
        endpoints,
        {one.name: EndpointConnection(url=one.url) for one in endpoints},
        journal=tmp_path / "telemetry.arrows",
    )
    rounds = iter(range(5))
    monkeypatch.setattr(sampler._over, "wait", lambda every_s: next(rounds, None) is None)
    sampler.start()
    sampler._thread.join(30)
    sampler.stop()
    assert asked == [f"http://{name}:9" for name in names * 2]


def test_every_node_of_an_endpoint_is_listened_to(tmp_path: Path) -> None:
    endpoint = EndpointFacts(
        name="e", url="http://127.0.0.1:1", node="lead", followers=["follow"], engine="e", model="m", window=1
    )
    activity = NodeActivity()
    connections = {"e": EndpointConnection(url=endpoint.url)}
    sampler = Sampler([endpoint], connections, journal=tmp_path / "telemetry.arrows", activity=activity)
    sampler.start()
    for node in ("lead", "follow", "another"):
        activity.heard(node, b'{"at_ns": 1, "host": {"made_up": 1.5}, "gpus": {}}')
    sampler.stop()
    told = {row["node"] for row in sampled(tmp_path) if row["metric"] == "made_up"}
    assert told == {"lead", "follow"}
