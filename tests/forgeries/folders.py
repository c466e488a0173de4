"""Forgeries of a run's or a campaign's folder, by somebody who is consistent in what he touches.

After a change to what result.json is computed from, it is computed again; nobody's digests would differ.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.forgeries.edits import (
    Data,
    Rows,
    both,
    configure,
    each,
    edit,
    entry,
    faster,
    logged,
    plan,
    printed,
    progress,
    recount,
    rerender,
    rows,
    run,
)
from tests.forgeries.model import Registry

from assay.runs import RunFolder

FORGERIES = Registry()
_OFFLINE, _PACED, _PACER = "offline", "paced", "pacer"


# result.json alone


@FORGERIES.add("twice the samples a second", _OFFLINE, "recomputed")
def _(root: Path) -> None:
    edit(run(root, "offline-performance").result, lambda d: d["figures"]["samples_per_s"].update(value=99.0))


@FORGERIES.add("a shorter duration", _PACER, "recomputed")
def _(root: Path) -> None:
    edit(run(root, "rate").result, lambda d: d["figures"]["duration_s"].update(value=1.5))


@FORGERIES.add("a lower p99 of TTFT", _PACED, "recomputed")
def _(root: Path) -> None:
    def change(data: Data) -> None:
        ttft = data["latency"]["ttft_ns"]
        ttft["p97"] = ttft["p99"] = ttft["p99_9"] = ttft["max"] = ttft["p95"]

    edit(run(root, "server").result, change)


@FORGERIES.add("shorter times between tokens", _PACER, "derived")
def _(root: Path) -> None:
    edit(run(root, "rate").result, lambda d: d["latency"]["itl_ns"].update(p99=d["latency"]["itl_ns"]["p50"]))


@FORGERIES.add("an early-stopping bound where there is none", _PACED, "derived")
def _(root: Path) -> None:
    edit(run(root, "server").result, lambda d: d["latency"]["ttft_ns"]["early_stopping"].update(p99=300_000_000))


@FORGERIES.add("a narrower interval", _OFFLINE, "derived")
def _(root: Path) -> None:
    def change(data: Data) -> None:
        rate = data["figures"]["samples_per_s"]
        rate.update(low=rate["value"] * 0.999, high=rate["value"] * 1.001)

    edit(run(root, "offline-performance").result, change)


@FORGERIES.add("a rate's low end raised a little", _OFFLINE, "derived")
def _(root: Path) -> None:
    def change(data: Data) -> None:
        rate = data["figures"]["samples_per_s"]
        rate["low"] += 0.1 * (rate["value"] - rate["low"])

    edit(run(root, "offline-performance").result, change)


@FORGERIES.add("an interval of a percentile that nothing bounds", _PACER, "derived")
def _(root: Path) -> None:
    def change(data: Data) -> None:
        ttft = data["latency"]["ttft_ns"]
        ttft["intervals"]["p99"] = [ttft["p99"] - 100_000, ttft["p99"] + 100_000]

    edit(run(root, "rate").result, change)


@FORGERIES.add("one endpoint's rate raised", _OFFLINE, "derived")
def _(root: Path) -> None:
    edit(run(root, "offline-performance").result, lambda d: d["endpoints"][0]["samples_per_s"].update(value=44.0))


@FORGERIES.add("called VALID", _PACED, "derived")
def _(root: Path) -> None:
    edit(run(root, "server").result, lambda d: d["verdict"].update(valid=True, words="VALID", reasons=[]))


@FORGERIES.add("VALID in its words alone", _PACED, "derived")
def _(root: Path) -> None:
    edit(run(root, "server").result, lambda d: d["verdict"].update(words="VALID"))


@FORGERIES.add("the reasons against VALID left out", _PACED, "derived")
def _(root: Path) -> None:
    edit(run(root, "server").result, lambda d: d["verdict"].update(reasons=[]))


@FORGERIES.add("the word that it is simulated left out", _OFFLINE, "derived")
def _(root: Path) -> None:
    edit(run(root, "offline-performance").result, lambda d: d.update(notices=[]))


@FORGERIES.add("LoadGen's VALID where it said INVALID", _PACED, "folder-and-log")
def _(root: Path) -> None:
    edit(run(root, "server").result, lambda d: d["loadgen"].update(result="VALID", reasons=[]))


@FORGERIES.add("LoadGen's figures as result.json has them", _PACED, "derived")
def _(root: Path) -> None:
    edit(run(root, "server").result, lambda d: d["loadgen"]["metrics"].update({"Completed samples per second": 12.0}))


@FORGERIES.add("LoadGen's settings as result.json has them", _PACED, "derived")
def _(root: Path) -> None:
    edit(run(root, "server").result, lambda d: d["loadgen"]["settings"].update(min_duration_ms=600_000))


# run.json, with result.json


@FORGERIES.add("a price that the configuration doesn't name", _OFFLINE, "prices")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")
    edit(folder.record, lambda d: d.update(cost={"currency": "EUR", "per_hour": dict.fromkeys(d["nodes"], 0.5)}))
    rerender(folder)


@FORGERIES.add("a client that bound the run is said not to", _PACER, "client-bound")
def _(root: Path) -> None:
    folder = run(root, "rate")
    edit(folder.record, lambda d: d["client"].update(client_bound=False, reasons=[]))
    rerender(folder)


@FORGERIES.add("samples issued in time that weren't", _PACED, "client-bound")
def _(root: Path) -> None:
    edit(run(root, "server").record, lambda d: d["client"].update(schedule_lateness_p99_ns=1000))


@FORGERIES.add("a busy client whose reasons are left out", _OFFLINE, "client-bound")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")
    edit(folder.record, lambda d: d["client"]["cpu_share"].update({"worker-0": 0.97}))
    rerender(folder)


@FORGERIES.add("an Interactive run called Server", _PACED, "campaign-runs")
def _(root: Path) -> None:
    both(run(root, "interactive"), scenario="Server")


@FORGERIES.add("a Server run called Offline", _PACED, "folder-and-log")
def _(root: Path) -> None:
    both(run(root, "server"), scenario="Offline")


@FORGERIES.add("an accuracy run called a performance run", _OFFLINE, "folder-and-log")
def _(root: Path) -> None:
    both(run(root, "offline-accuracy"), mode="performance")


@FORGERIES.add("another benchmark", _OFFLINE, "names-agree")
def _(root: Path) -> None:
    both(run(root, "offline-performance"), benchmark="llama3.1-8b")


@FORGERIES.add("another model", _OFFLINE, "names-agree")
def _(root: Path) -> None:
    edit(run(root, "offline-performance").record, lambda d: d.update(model="meta-llama/Llama-3.1-8B-Instruct"))


@FORGERIES.add("a simulator called vLLM", _OFFLINE, "names-agree")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")

    def change(data: Data) -> None:
        data["simulated"] = False
        for endpoint in data["endpoints"]:
            endpoint.update(engine="vllm", engine_version="0.11.0", settings={})

    edit(folder.record, change)
    rerender(folder)


@FORGERIES.add("simulated servers that aren't called so", _PACER, "names-agree")
def _(root: Path) -> None:
    folder = run(root, "rate")
    edit(folder.record, lambda d: d.update(simulated=False))
    rerender(folder)


@FORGERIES.add("a user's own simulator that isn't called so", _PACER, "names-agree")
def _(root: Path) -> None:
    folder = run(root, "rate")
    folder.config.write_text(folder.config.read_text().replace("kind: simulated", "kind: external"))

    def change(data: Data) -> None:
        data["simulated"] = False
        for endpoint in data["endpoints"]:
            endpoint.update(engine="external", simulated=True)

    edit(folder.record, change)
    rerender(folder)


@FORGERIES.add("a short run called official", _PACED, "names-agree")
def _(root: Path) -> None:
    folder = run(root, "server")
    edit(folder.record, lambda d: d.update(official=True))
    rerender(folder)


@FORGERIES.add("a higher target", _PACED, "folder-and-log")
def _(root: Path) -> None:
    folder = run(root, "server")
    edit(folder.record, lambda d: d.update(target_qps=12.0))
    entry(root, folder, target_qps=12.0)


@FORGERIES.add("a lower concurrency than there was", _PACER, "load-shape")
def _(root: Path) -> None:
    folder = run(root, "concurrency")
    shape = json.loads(folder.record.read_text())["shape"] | {"concurrency": 1}
    both(folder, shape=shape)
    entry(root, folder, shape=shape)


@FORGERIES.add("more requests than were sent", _PACER, "load-shape")
def _(root: Path) -> None:
    folder = run(root, "concurrency")
    shape = json.loads(folder.record.read_text())["shape"] | {"requests": 240}
    both(folder, shape=shape)
    entry(root, folder, shape=shape)


@FORGERIES.add("a higher rate than there was", _PACER, "schedule-seed")
def _(root: Path) -> None:
    folder = run(root, "rate")
    shape = json.loads(folder.record.read_text())["shape"] | {"rate": 12.0}
    both(folder, shape=shape)
    entry(root, folder, shape=shape)


@FORGERIES.add("another seed of the arrivals", _PACER, "schedule-seed")
def _(root: Path) -> None:
    edit(run(root, "rate").record, lambda d: d.update(schedule_seed=41))


@FORGERIES.add("a smaller window", _OFFLINE, "load-shape")
def _(root: Path) -> None:
    edit(run(root, "offline-performance").record, lambda d: [e.update(window=2) for e in d["endpoints"]])


@FORGERIES.add("an endpoint left out", _OFFLINE, "records")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")
    edit(folder.record, lambda d: d["endpoints"].pop())
    rerender(folder)


@FORGERIES.add("another data set", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    edit(run(root, "offline-performance").record, lambda d: d.update(dataset_sha256="0" * 64))


@FORGERIES.add("a data set of more samples", _OFFLINE, "folder-and-log")
def _(root: Path) -> None:
    edit(run(root, "offline-performance").record, lambda d: d.update(samples=68))


@FORGERIES.add("another time of the run", _PACER, "run-clock")
def _(root: Path) -> None:
    times = {"started_utc": "2026-03-01T12:00:00.000+00:00", "ended_utc": "2026-03-01T12:20:00.000+00:00"}
    edit(run(root, "rate").record, lambda d: d.update(times))


# The ledger


@FORGERIES.add("answers moved from one endpoint to another in the ledger", _OFFLINE, "ledger-and-records")
def _(root: Path) -> None:
    def change(ledger: Data) -> None:
        first, second = ledger["endpoints"]
        for name in ("sent", "ok"):
            first[name], second[name] = first[name] + second[name], 0

    edit(run(root, "offline-performance").ledger, change)


@FORGERIES.add("samples issued and lost that nobody knows of", _PACER, "ledger-and-records")
def _(root: Path) -> None:
    folder = run(root, "rate")
    edit(folder.ledger, lambda d: d.update(issued=d["issued"] + 4, lost=4))
    rerender(folder)


@FORGERIES.add("an answer of one token that nobody gave", _PACER, "ledger-and-records")
def _(root: Path) -> None:
    edit(run(root, "rate").ledger, lambda d: d.update(short_outputs=d["short_outputs"] + 1))


@FORGERIES.add("tokens that weren't counted, so that nothing is held against them", _OFFLINE, "ledger-and-records")
def _(root: Path) -> None:
    edit(run(root, "offline-performance").ledger, lambda d: d.update(estimated_tokens=1))


# The records, with what follows from them


@FORGERIES.add("every time halved", _OFFLINE, "progress-agrees")
def _(root: Path) -> None:
    rows(run(root, "offline-performance"), faster(0.5))


@FORGERIES.add("every time halved where no LoadGen was", _PACER, "progress-agrees")
def _(root: Path) -> None:
    rows(run(root, "concurrency"), faster(0.5))


@FORGERIES.add("a tenth faster", _PACER, "progress-agrees")
def _(root: Path) -> None:
    rows(run(root, "sessions"), faster(0.9))


@FORGERIES.add("every time and the progress halved", _PACED, "folder-and-log")
def _(root: Path) -> None:
    folder = run(root, "singlestream")
    rows(folder, faster(0.5))

    def change(line: Data) -> None:
        for name in ("ttft", "tpot", "latency"):
            line[name]["sum_ns"] //= 2

    progress(folder, change)


@FORGERIES.add("first tokens earlier than their chunks", _PACED, "records")
def _(root: Path) -> None:
    rows(run(root, "server"), each(lambda row: row.update(first_ns=(row["sent_ns"] + row["first_ns"]) // 2)))


@FORGERIES.add("first tokens and chunks earlier", _PACER, "progress-agrees")
def _(root: Path) -> None:
    def change(row: Data) -> None:
        row["chunk_ns"][0] //= 2
        row["first_ns"] = row["sent_ns"] + row["chunk_ns"][0]

    rows(run(root, "rate"), each(change))


@FORGERIES.add("an answer that ended before its last token", _PACER, "records")
def _(root: Path) -> None:
    rows(run(root, "rate"), each(lambda row: row.update(done_ns=row["first_ns"])))


@FORGERIES.add("the slowest samples dropped", _OFFLINE, "folder-and-log")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")
    rows(folder, _without_the_slowest)
    recount(folder)


@FORGERIES.add("the slowest samples dropped where no LoadGen was", _PACER, "progress-agrees")
def _(root: Path) -> None:
    folder = run(root, "concurrency")
    rows(folder, _without_the_slowest)
    recount(folder)


def _without_the_slowest(found: Rows) -> Rows:
    kept = sorted(sorted(found, key=lambda row: row["last_ns"])[:-6], key=lambda row: row["sample_id"])
    for number, row in enumerate(kept):
        row["sample_id"] = number
    return kept


@FORGERIES.add("samples counted twice", _PACER, "progress-agrees")
def _(root: Path) -> None:
    folder = run(root, "concurrency", 1)

    def change(found: Rows) -> Rows:
        twice = [{**row, "sample_id": 2 * row["sample_id"] + again} for row in found for again in (0, 1)]
        return sorted(twice, key=lambda row: row["sample_id"])

    rows(folder, change)
    recount(folder)


@FORGERIES.add("sample ids that repeat", _OFFLINE, "records")
def _(root: Path) -> None:
    rows(run(root, "offline-performance"), lambda found: [{**row, "sample_id": 0} for row in found])


@FORGERIES.add("answers twice as long, with the same token ids", _PACED, "records")
def _(root: Path) -> None:
    rows(run(root, "server"), each(lambda row: row.update(output_tokens=32, streamed_tokens=32)))


@FORGERIES.add("answers twice as long, with twice the ids", _OFFLINE, "progress-agrees")
def _(root: Path) -> None:
    rows(run(root, "offline-performance"), each(_doubled))


def _doubled(row: Data) -> None:
    row.update(output_tokens=32, streamed_tokens=32, output_ids=row["output_ids"] * 2)
    row["chunk_tokens"] = [2 * count for count in row["chunk_tokens"]]


@FORGERIES.add("answers twice as long, in the progress too", _OFFLINE, "folder-and-log")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")
    rows(folder, each(_doubled))
    last = [(row["last_ns"] - row["first_ns"]) // 31 for row in _rows_of(folder)]
    progress(folder, lambda line: (line.update(output_tokens=768), line["tpot"].update(sum_ns=sum(last))))


def _rows_of(folder: RunFolder) -> list[dict[str, Any]]:
    from assay.runs import read_requests

    return read_requests(folder.requests).to_pylist()


@FORGERIES.add("samples due later than the seed says", _PACED, "schedule-seed")
def _(root: Path) -> None:
    def change(found: Rows) -> None:
        first = min(row["scheduled_ns"] for row in found)
        for row in found:
            if row["scheduled_ns"] > first:
                row["scheduled_ns"] += 100_000_000

    rows(run(root, "server"), change)


@FORGERIES.add("due times taken out, so that waits are none", _PACER, "schedule-seed")
def _(root: Path) -> None:
    rows(run(root, "rate"), each(lambda row: row.update(scheduled_ns=None)))


@FORGERIES.add("answers of one endpoint given to another", _OFFLINE, "progress-agrees")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")
    rows(folder, each(lambda row: row.update(endpoint="node-a")))
    recount(folder)


@FORGERIES.add("short prompts asked for again and again", _PACER, "schedule-seed")
def _(root: Path) -> None:
    rows(run(root, "concurrency"), each(lambda row: row.update(qsl_idx=0)))


@FORGERIES.add("issue times shuffled", _PACER, "records")
def _(root: Path) -> None:
    def change(found: Rows) -> None:
        ordered = sorted(found, key=lambda row: row["sample_id"])
        times = [row["issued_ns"] for row in ordered]
        for row, time in zip(ordered, times[1:] + times[:1], strict=True):
            row["issued_ns"] = min(time, row["sent_ns"])

    rows(run(root, "concurrency"), change)


@FORGERIES.add("prompts that the server cut", _OFFLINE, "prompt-tokens")
def _(root: Path) -> None:
    rows(run(root, "offline-performance"), each(lambda row: row.update(input_tokens=100, prompt_tokens_counted=100)))


@FORGERIES.add("answers beyond their limit", _PACER, "output-ends")
def _(root: Path) -> None:
    rows(run(root, "rate"), each(lambda row: row.update(max_tokens=8)))


@FORGERIES.add("the records of another repeat", _OFFLINE, "progress-agrees")
def _(root: Path) -> None:
    folder, other = run(root, "offline-performance"), run(root, "offline-performance", 1)
    shutil.copy(other.requests, folder.requests)
    recount(folder)


@FORGERIES.add("the telemetry of another campaign", _PACER, "run-clock")
def _(root: Path) -> None:
    folder = run(root, "rate")
    edit(folder.record, lambda d: d.update(clock_offset_ns=d["clock_offset_ns"] + 3_600_000_000_000))


# LoadGen's logs


@FORGERIES.add("VALID in LoadGen's summary", _PACED, "log-integrity")
def _(root: Path) -> None:
    folder = run(root, "server")
    printed(folder, "Result is", "VALID")
    rerender(folder)


@FORGERIES.add("VALID in both of LoadGen's logs", _PACED, "word-follows")
def _(root: Path) -> None:
    folder = run(root, "server")
    _valid(folder)
    rerender(folder)


@FORGERIES.add("VALID, and every condition met", _PACED, "word-follows")
def _(root: Path) -> None:
    folder = run(root, "server")
    _valid(folder)
    logged(folder, "early_stopping_met", True)
    printed(folder, "Early stopping satisfied", "Yes")
    rerender(folder)


def _valid(folder: RunFolder) -> None:
    logged(folder, "result_validity", "VALID")
    printed(folder, "Result is", "VALID")


@FORGERIES.add("a lower p99 in LoadGen's summary", _PACED, "log-integrity")
def _(root: Path) -> None:
    folder = run(root, "server")
    printed(folder, "99.00 percentile first token latency (ns)", 120_000_000)
    rerender(folder)


@FORGERIES.add("a lower TPOT in LoadGen's summary", _PACED, "log-integrity")
def _(root: Path) -> None:
    folder = run(root, "server")
    printed(folder, "99.00 percentile time to output token (ns)", 12_000_000)
    rerender(folder)


@FORGERIES.add("a lower p99 in both of LoadGen's logs", _PACED, "folder-and-log")
def _(root: Path) -> None:
    folder = run(root, "server")
    for share in ("99.00", "99.90"):
        printed(folder, f"{share} percentile latency (ns)", 400_000_000)
        logged(folder, f"result_{share}_percentile_latency_ns", 400_000_000)
    rerender(folder)


@FORGERIES.add("a higher rate in both of LoadGen's logs", _OFFLINE, "folder-and-log")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")
    for name, key, rate in (
        ("Samples per second", "result_samples_per_second", 18.5),
        ("Tokens per second", "result_tokens_per_second", 296.0),
    ):
        printed(folder, name, rate)
        logged(folder, key, rate)
    rerender(folder)


@FORGERIES.add("ten minutes as LoadGen's least duration", _PACED, "word-follows")
def _(root: Path) -> None:
    folder = run(root, "server")
    printed(folder, "min_duration (ms)", 600_000)
    logged(folder, "effective_min_duration_ms", 600_000)
    rerender(folder)


@FORGERIES.add("another seed in both of LoadGen's logs", _PACED, "schedule-seed")
def _(root: Path) -> None:
    folder = run(root, "server")
    printed(folder, "schedule_rng_seed", 1)
    logged(folder, "effective_schedule_rng_seed", 1)
    rerender(folder)


@FORGERIES.add("the logs of another repeat", _OFFLINE, "run-clock")
def _(root: Path) -> None:
    folder, other = run(root, "offline-performance"), run(root, "offline-performance", 1)
    for name in ("loadgen_summary", "loadgen_detail"):
        shutil.copy(getattr(other, name), getattr(folder, name))
    rerender(folder)


# Accuracy


@FORGERIES.add("a higher score in result.json", _OFFLINE, "derived")
def _(root: Path) -> None:
    edit(run(root, "offline-accuracy").result, lambda d: d["accuracy"]["scores"]["rouge1"].update(value=38.8))


@FORGERIES.add("a higher score in every file", _OFFLINE, "accuracy-answers")
def _(root: Path) -> None:
    folder = run(root, "offline-accuracy")
    edit(folder.accuracy, lambda d: d["scores"]["rouge1"].update(value=38.8))
    text = folder.accuracy_txt.read_text()
    folder.accuracy_txt.write_text(text.replace("'rouge1': '", "'rouge1': '38.8", 1))
    rerender(folder)


@FORGERIES.add("a quality gate that a part of the data set passes", _OFFLINE, "accuracy-samples")
def _(root: Path) -> None:
    folder = run(root, "offline-accuracy")
    edit(folder.accuracy, lambda d: d.update(gate="pass"))
    rerender(folder)


@FORGERIES.add("a score over more samples", _OFFLINE, "accuracy-answers")
def _(root: Path) -> None:
    folder = run(root, "offline-accuracy")
    edit(folder.accuracy, lambda d: d.update(samples=68))
    rerender(folder)


@FORGERIES.add("better answers in words", _OFFLINE, "accuracy-answers")
def _(root: Path) -> None:
    folder = run(root, "offline-accuracy")
    lines = [json.loads(line) for line in folder.answers.read_text().splitlines()]
    folder.answers.write_text("".join(json.dumps({**line, "answer": line["reference"]}) + "\n" for line in lines))


@FORGERIES.add("bad answers left out of the words", _OFFLINE, "accuracy-answers")
def _(root: Path) -> None:
    folder = run(root, "offline-accuracy")
    lines = folder.answers.read_text().splitlines(keepends=True)
    folder.answers.write_text("".join(lines[: len(lines) // 2]))


@FORGERIES.add("other answers in LoadGen's accuracy log", _OFFLINE, "accuracy-answers")
def _(root: Path) -> None:
    path = run(root, "offline-accuracy").loadgen_accuracy
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([{**item, "data": entries[0]["data"]} for item in entries]))


@FORGERIES.add("a higher score in accuracy.txt", _OFFLINE, "accuracy-answers")
def _(root: Path) -> None:
    path = run(root, "offline-accuracy").accuracy_txt
    path.write_text(path.read_text().replace("'rouge1': '", "'rouge1': '9", 1))


# Files that are gone


def _missing(name: str, base: str, run_name: str) -> None:
    @FORGERIES.add(f"no {name}", base, "missing-files")
    def _(root: Path) -> None:
        (run(root, run_name).path / name).unlink()


for _name in ("ledger.json", "requests.parquet", "mlperf_log_summary.txt", "mlperf_log_detail.txt", "progress.jsonl"):
    _missing(_name, _OFFLINE, "offline-performance")
for _name in ("mlperf_log_accuracy.json", "answers.jsonl", "accuracy.json"):
    _missing(_name, _OFFLINE, "offline-accuracy")
for _name in ("telemetry.parquet", "config.yaml", "system.json"):
    _missing(_name, _PACER, "rate")


# The campaign


@FORGERIES.add("a run deleted", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    shutil.rmtree(run(root, "offline-performance", 1).path)


@FORGERIES.add("a run's run.json deleted", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    run(root, "offline-performance", 1).record.unlink()


@FORGERIES.add("the slower repeat dropped, in the plan too", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    _drop(root, run(root, "offline-performance", 0))


@FORGERIES.add("the last repeat dropped, in the plan too", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    _drop(root, run(root, "offline-performance", 1))
    _drop(root, run(root, "offline-accuracy", 1))


@FORGERIES.add("the last repeat dropped, in the configuration too", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    _drop(root, run(root, "offline-performance", 1))
    _drop(root, run(root, "offline-accuracy", 1))
    configure(root, "repeats: 2", "repeats: 1")


def _drop(root: Path, folder: RunFolder) -> None:
    shutil.rmtree(folder.path)
    plan(root, lambda state: state.update(runs=[item for item in state["runs"] if item["run"] != folder.id]))


@FORGERIES.add("the accuracy runs dropped", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    for _repeat in range(2):
        _drop(root, run(root, "offline-accuracy"))


@FORGERIES.add("a load dropped", _PACER, "campaign-runs")
def _(root: Path) -> None:
    _drop(root, run(root, "rate"))


@FORGERIES.add("the best run once more, as a third repeat", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    folder = run(root, "offline-performance")
    copy = RunFolder(folder.path.with_name(folder.id[:-8] + "0badcafe"))
    shutil.copytree(folder.path, copy.path)
    names = {"id": copy.id, "repeat": 2, "campaign_key": "offline-performance-r2"}
    edit(copy.record, lambda d: d.update(names))
    rerender(copy)

    def change(state: Data) -> None:
        first = state["runs"][0]
        state["runs"].append({**first, "key": "offline-performance-r2", "repeat": 2, "run": copy.id})

    plan(root, change)


@FORGERIES.add("one folder for two repeats", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    first, second = run(root, "offline-performance"), run(root, "offline-performance", 1)
    entry(root, second, run=first.id)
    shutil.rmtree(second.path)


@FORGERIES.add("a run that nobody planned", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    folder = run(root, "offline-performance", 1)
    plan(root, lambda state: state.update(runs=[item for item in state["runs"] if item["run"] != folder.id]))


@FORGERIES.add("repeats that changed places", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    first, second = run(root, "offline-performance"), run(root, "offline-performance", 1)
    entry(root, first, run="first")
    entry(root, second, run=first.id)
    plan(root, lambda state: [item.update(run=second.id) for item in state["runs"] if item["run"] == "first"])


@FORGERIES.add("a configuration changed afterwards", _OFFLINE, "campaign-runs")
def _(root: Path) -> None:
    path = root / "config.yaml"
    path.write_text(path.read_text().replace("window: 4", "window: 64"))
