# ruff: noqa: E501 - tables of one falsehood a line
"""Each planted falsehood raises its rule."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.audits import audit_claims, complaints
from tests.forgeries import curve_defects, folders, submissions, trees
from tests.unit.audit.loadgen_files import submission_folder, write_logs
from tests.unit.audit.queue_runs import report_claims, simulate

from assay.audit import AuditReport, Judgement, all_rules, audit_path

Claims = dict[str, Any]
BASE = report_claims(seed=7, samples=200, concurrency=4, nodes=2, digits=5, failed=0)


def run(claims: Claims, name: str = "together") -> Claims:
    found: Claims = next(item for item in claims["runs"] if item["name"] == name)
    return found


def scale(run_claims: Claims, key: str, factor: float) -> None:
    """Multiply a stated figure, unit kept."""
    number, _, unit = str(run_claims[key]).partition(" ")
    run_claims[key] = f"{float(number) * factor:.6g} {unit}".strip()


def set_in(section: str, **values: str) -> Callable[[Claims], None]:
    return lambda claims: run(claims)[section].update(values)


def set_run(**values: Any) -> Callable[[Claims], None]:
    return lambda claims: run(claims).update(values)


def scaled(key: str, factor: float, name: str = "together") -> Callable[[Claims], None]:
    return lambda claims: scale(run(claims, name), key, factor)


def scaled_in(section: str, key: str, factor: float) -> Callable[[Claims], None]:
    return lambda claims: scale(run(claims)[section], key, factor)


def derived(kind: str, **values: Any) -> Callable[[Claims], None]:
    def plant(claims: Claims) -> None:
        claims["derived"] = [item for item in claims["derived"] if item["kind"] != kind]
        known = {"baselines": ["node0 alone", "node1 alone"], "combined": "together"}
        claims["derived"].append({"kind": kind, **({} if kind == "projection" else known), **values})

    return plant


def faster(factor: float) -> Callable[[Claims], None]:
    """The whole run consistently faster, as if the clock had run slow: only physics can object."""

    def plant(claims: Claims) -> None:
        claims["derived"] = []
        item = run(claims)
        item.pop("parts", None)
        for key in ("samples_per_s", "tokens_per_s"):
            scale(item, key, factor)
        scale(item, "duration", 1 / factor)
        for section in ("latency", "ttft", "tpot"):
            for key in item[section]:
                if key not in ("unit", "n"):
                    scale(item[section], key, 1 / factor)

    return plant


def copied_node(claims: Claims) -> None:
    first, second = run(claims, "node0 alone"), run(claims, "node1 alone")
    claims["derived"] = []
    second.update({**copy.deepcopy(first), "name": second["name"], "nodes": second["nodes"]})


def all_percentiles_the_mean(claims: Claims) -> None:
    section = run(claims)["latency"]
    for key in section:
        if key not in ("unit", "n", "std"):
            section[key] = section["mean"]
    section.pop("std")


def swap(section: str, one: str, other: str) -> Callable[[Claims], None]:
    def plant(claims: Claims) -> None:
        figures = run(claims)[section]
        figures[one], figures[other] = figures[other], figures[one]

    return plant


def few_samples(claims: Claims) -> None:
    item = run(claims, "node0 alone")
    item["latency"] = {"unit": "ms", "n": "15", "p50": "900.1", "p99": "1800.2"}


def accuracy(**values: str) -> Callable[[Claims], None]:
    return set_run(benchmark="llama3.1-8b", accuracy={"samples": "13368", "passed": "true", "rouge1": "38.7", **values})


def change(share: Callable[[float, float], float], word: str, of: str = "samples_per_s") -> Callable[[Claims], None]:
    """A claim that node0 alone was lower or higher than both together, by a share of their rates."""

    def plant(claims: Claims) -> None:
        low, high = (float(run(claims, name)["samples_per_s"]) for name in ("node0 alone", "together"))
        value = f"{100 * share(low, high):.2f} % {word}"
        claims["derived"].append(
            {"kind": "change", "of": of, "value": value, "run": "node0 alone", "baseline": "together"}
        )

    return plant


def mfu_of(claims: Claims) -> float:
    """The MFU of the whole run in percent, from what it states."""
    item = run(claims)
    operations = 2 * 7.5e9 * (float(item["mean_input_tokens"]) + float(item["mean_output_tokens"]))
    return 100 * float(item["samples_per_s"]) * operations / (2 * 165e12)


def means_apart(claims: Claims) -> None:
    """Answers of one length, whose mean latency is a tenth more than TTFT and TPOT make up."""
    claims["runs"].append(
        {
            "name": "means",
            "samples": "500",
            "mean_output_tokens": "127.9",
            "latency": {"unit": "ms", "mean": "3060"},
            "ttft": {"unit": "ms", "mean": "240.0"},
            "tpot": {"unit": "ms", "mean": "20.00"},
        }
    )


def sequential_baseline(claims: Claims) -> None:
    """A speed-up that holds only against running the nodes one after the other."""
    times = [float(run(claims, f"node{i} alone")["duration"].split()[0]) for i in range(2)]
    together = float(run(claims)["samples_per_s"])
    derived("speedup", value=f"{together / (400 / sum(times)):.5g}")(claims)


PLANTED: dict[str, tuple[str, Judgement, Callable[[Claims], None]]] = {
    "samples vanish": ("ledger-balance", Judgement.UNSUPPORTED, lambda c: run(c).update(samples={"assigned": "450", "completed": "400"})),
    "counts exclude each other": ("ledger-balance", Judgement.CONTRADICTED, set_in("samples", failed="3")),
    "parts don't add up": ("ledger-balance", Judgement.CONTRADICTED, lambda c: run(c, "node0 in together").update(samples="7")),
    "success over the processed": ("success-rate", Judgement.CONTRADICTED, set_in("samples", assigned="430", failed="30")),
    "success above 100 %": ("success-rate", Judgement.IMPOSSIBLE, set_run(success_rate="104 %")),
    "success without a base": ("success-rate", Judgement.UNSUPPORTED, lambda c: run(c, "node0 alone").update(samples="200")),
    "throughput 3 % up": ("throughput", Judgement.CONTRADICTED, scaled("samples_per_s", 1.03)),
    "tokens/s 5 % up": ("token-rate", Judgement.CONTRADICTED, scaled("tokens_per_s", 1.05)),
    "mean tokens off": ("token-rate", Judgement.CONTRADICTED, scaled("mean_output_tokens", 0.9)),
    "combined above its parts": ("combined-parts", Judgement.CONTRADICTED, scaled("samples_per_s", 1.2)),
    "p50 and p99 swapped": ("percentile-order", Judgement.CONTRADICTED, swap("latency", "p50", "p99")),
    "mean above the maximum": ("percentile-order", Judgement.CONTRADICTED, scaled_in("latency", "max", 0.3)),
    "mean below the minimum": ("percentile-order", Judgement.CONTRADICTED, scaled_in("ttft", "mean", 0.05)),
    "a negative time": ("percentile-order", Judgement.IMPOSSIBLE, set_in("tpot", min="-3.1")),
    "mean beyond what p95 allows": ("percentile-order", Judgement.CONTRADICTED, lambda c: run(c)["tpot"].update(mean=run(c)["tpot"]["p99"])),
    "std too great": ("std-possible", Judgement.IMPOSSIBLE, scaled_in("latency", "std", 5)),
    "std of other numbers": (
        "std-possible",
        Judgement.IMPOSSIBLE,
        lambda c: run(c, "node0 alone").update(latency={"unit": "ms", "n": "5", "min": "860", "max": "1610", "mean": "1024", "std": "309"}),
    ),
    "more in flight than there is": ("littles-law", Judgement.IMPOSSIBLE, set_run(concurrency="2")),
    "latency longer than the run": ("littles-law", Judgement.CONTRADICTED, scaled_in("latency", "max", 1000)),
    "TPOT halved": ("token-latency", Judgement.CONTRADICTED, lambda c: [scaled_in("tpot", k, 0.2)(c) for k in ("min", "max", "mean", "p50", "p90", "p95", "p99", "std")]),
    "TTFT above the latency": ("token-latency", Judgement.CONTRADICTED, scaled_in("ttft", "max", 100)),
    "faster than arithmetic allows": ("ceiling-throughput", Judgement.IMPOSSIBLE, faster(40)),
    "faster than memory allows": ("ceiling-latency", Judgement.IMPOSSIBLE, faster(60)),
    "undeclared speculative decoding": ("ceiling-latency", Judgement.UNSUPPORTED, faster(8)),
    "more memory than the card has": ("memory-capacity", Judgement.IMPOSSIBLE, set_run(memory_used="61 GB")),
    "less memory than the weights": ("memory-capacity", Judgement.CONTRADICTED, set_run(memory_used="6 GB")),
    "a model that doesn't fit": ("memory-capacity", Judgement.UNSUPPORTED, lambda c: c.update(model={"name": "Llama-3.1-70B", "precision": "fp16"})),
    "MBU above 100 %": ("utilisation", Judgement.IMPOSSIBLE, set_run(mbu="130 %")),
    "an MFU of nowhere": ("utilisation", Judgement.CONTRADICTED, set_run(mfu="95 %")),
    "scaling that isn't the runs'": ("scaling-efficiency", Judgement.CONTRADICTED, derived("scaling", value="105.5 %")),
    "scaling without a baseline": ("scaling-efficiency", Judgement.UNSUPPORTED, derived("scaling", value="98 %", measured="false")),
    "a speed-up that isn't the runs'": ("speedup-baseline", Judgement.CONTRADICTED, derived("speedup", value="3.7x")),
    "a speed-up over running in turn": ("speedup-baseline", Judgement.UNSUPPORTED, sequential_baseline),
    "a wrong projection": ("projection", Judgement.CONTRADICTED, derived("projection", run="together", samples="13368", duration="1.5 h")),
    "hours that are seconds": ("unit-slip", Judgement.CONTRADICTED, scaled("samples_per_s", 3600)),
    "milliseconds called seconds": ("unit-slip", Judgement.CONTRADICTED, scaled("duration", 1000)),
    "tokens called samples": ("unit-slip", Judgement.CONTRADICTED, lambda c: run(c).update(samples_per_s=run(c)["tokens_per_s"])),
    "p99 of 15 samples": ("percentile-samples", Judgement.UNSUPPORTED, few_samples),
    "a short run called MLPerf": ("too-short", Judgement.CONTRADICTED, set_run(mlperf="true")),
    "accuracy over a part": ("accuracy-samples", Judgement.UNSUPPORTED, accuracy(samples="100")),
    "a target missed": ("accuracy-target", Judgement.CONTRADICTED, accuracy(rouge1="37.9")),
    "a score above 100": ("accuracy-target", Judgement.IMPOSSIBLE, accuracy(rouge1="138.7")),
    "two nodes to the last digit": ("identical-figures", Judgement.UNSUPPORTED, copied_node),
    "TTFT is the latency": ("repeated-quantity", Judgement.CONTRADICTED, lambda c: run(c).update(ttft=dict(run(c)["latency"]))),
    "every percentile the mean": ("repeated-quantity", Judgement.CONTRADICTED, all_percentiles_the_mean),
    "a date that wasn't filled in": ("template-residue", Judgement.UNSUPPORTED, lambda c: c.update(statements=["Generated: $(date)"])),
    "a figure that is NaN": ("template-residue", Judgement.UNSUPPORTED, set_run(tokens_per_s="NaN")),
    "a TODO": ("template-residue", Judgement.UNSUPPORTED, lambda c: c.update(source="TODO: link")),
    "VALID without a log": ("valid-claim", Judgement.UNSUPPORTED, set_run(valid="true")),
    "prefix caching in MLPerf": ("prefix-caching", Judgement.CONTRADICTED, lambda c: (c["engine"].update(prefix_caching="true"), set_run(mlperf="true")(c))),
    "prefix caching unsaid": ("prefix-caching", Judgement.UNSUPPORTED, lambda c: c["engine"].update(prefix_caching="true")),
    "answers beyond the limit": ("output-ends", Judgement.CONTRADICTED, set_in("outputs", longest="512")),
    "answers that end otherwise": ("output-ends", Judgement.CONTRADICTED, set_in("outputs", other="9")),
    "answers without an end": ("output-ends", Judgement.CONTRADICTED, set_in("outputs", eos="11")),
    "an MFU that the figures don't allow": ("utilisation", Judgement.CONTRADICTED, lambda c: run(c).update(mfu=f"{1.6 * mfu_of(c):.2f} %")),
    "latency beyond what lengths and speeds allow": ("token-latency", Judgement.CONTRADICTED, means_apart),
    "speculative decoding of one token": ("ceiling-latency", Judgement.IMPOSSIBLE, lambda c: (c["engine"].update(speculative_tokens="1"), faster(8)(c))),
    "energy that isn't power times time": ("energy", Judgement.CONTRADICTED, lambda c: run(c).update(duration="100.0 s", power="330 W", energy="12.0 Wh")),
    "energy of a token": ("energy", Judgement.CONTRADICTED, lambda c: run(c).update(tokens_per_s="812.4", power="330 W", energy_per_token="0.21 J")),
    "tokens a joule": ("energy", Judgement.CONTRADICTED, set_run(energy_per_token="0.406 J", tokens_per_joule="2.9")),
    "a token's price": ("cost", Judgement.CONTRADICTED, lambda c: run(c).update(tokens_per_s="812.4", price_per_hour="$1.20", price_per_million_tokens="0.21 USD")),
    "goodput above the throughput": ("goodput", Judgement.IMPOSSIBLE, lambda c: run(c).update(goodput=run(c)["samples_per_s"]) or scale(run(c), "goodput", 1.1)),
    "a day that there isn't": ("dates", Judgement.IMPOSSIBLE, lambda c: c.update(statements=["Measured on 2026-02-30"])),
    "an end before the start": ("dates", Judgement.IMPOSSIBLE, set_run(started="2026-01-31 14:05", ended="2026-01-31 13:05")),
    "less time than the run took": ("dates", Judgement.CONTRADICTED, set_run(started="2026-01-31 14:05:00", ended="2026-01-31 14:05:01")),
    "a change that isn't the runs'": ("relative-change", Judgement.CONTRADICTED, change(lambda low, high: 0.8 * (1 - low / high), "lower")),
    "lower than nothing": ("relative-change", Judgement.IMPOSSIBLE, change(lambda low, high: 1.2, "lower")),
    "a change of what isn't stated": ("relative-change", Judgement.UNSUPPORTED, change(lambda low, high: 0.2, "lower", of="latency p99.9")),
    "a negative count": ("ledger-balance", Judgement.IMPOSSIBLE, lambda c: run(c, "node0 alone").update(samples="-200")),
    "a run of nothing": ("ledger-balance", Judgement.UNSUPPORTED, lambda c: c["runs"].append({"name": "none", "samples": {"assigned": "0", "completed": "0"}})),
    "a negative rate": ("stated-figures", Judgement.IMPOSSIBLE, lambda c: c["runs"].append({"name": "back", "samples_per_s": "-3.2"})),
    "a run without a figure": ("stated-figures", Judgement.UNSUPPORTED, lambda c: c["runs"].append({"name": "bare"})),
    "an accurate simulation": ("simulated", Judgement.CONTRADICTED, set_run(simulated="true", valid="true")),
}  # fmt: skip


def raised(report: AuditReport) -> set[tuple[str, Judgement]]:
    return {(finding.rule, finding.verdict) for finding in report.problems}


def test_the_report_that_falsehoods_are_planted_in_is_clean() -> None:
    assert complaints(audit_claims(BASE)) == []


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_falsehood_raises_its_rule(kind: str) -> None:
    rule, verdict, plant = PLANTED[kind]
    claims = copy.deepcopy(BASE)
    plant(claims)
    report = audit_claims(claims)
    assert (rule, verdict) in raised(report), complaints(report)
    assert report.exit_code == 3


@pytest.mark.parametrize(("idle", "slips"), [(3.6, False), (60.0, False), (1000.0, True)])
def test_a_client_that_was_held_up_between_requests_confused_no_unit(idle: float, slips: bool) -> None:
    """One request in flight for 28 % of the time, say; that it was for a thousandth only isn't believed."""
    claims = report_claims(seed=7, samples=200, concurrency=1, nodes=1, digits=5, failed=0)
    for item in claims["runs"]:
        item.pop("parts", None)
        for key, factor in (("samples_per_s", 1 / idle), ("tokens_per_s", 1 / idle), ("duration", idle)):
            scale(item, key, factor)
    claims["derived"] = []
    assert ("unit-slip" in {rule for rule, _ in raised(audit_claims(claims))}) == slips


def text(old: str, new: str, file: str = "detail") -> Callable[[Path], None]:
    """Replace words in one of LoadGen's logs."""

    def plant(folder: Path) -> None:
        path = folder / f"mlperf_log_{file}.txt"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return plant


def both(old: str, new: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        for file in ("detail", "summary"):
            text(old, new, file)(folder)

    return plant


def cut(file: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        path = folder / f"mlperf_log_{file}.txt"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return plant


def error_line(folder: Path) -> None:
    with (folder / "mlperf_log_detail.txt").open("a") as file:
        file.write(':::MLLOG {"key": "error_runtime", "value": "tokens", "metadata": {"is_error": true}}\n')


def number(key: str, factor: float) -> Callable[[Path], None]:
    """Multiply a figure of the detail log."""

    def plant(folder: Path) -> None:
        path = folder / "mlperf_log_detail.txt"
        pattern = re.compile(rf'("key": "{key}", "value": )([\d.e+]+)')
        changed, count = pattern.subn(lambda m: f"{m[1]}{float(m[2]) * factor:.6g}", path.read_text())
        assert count == 1
        path.write_text(changed)

    return plant


PLANTED_IN_LOGS: dict[str, tuple[str, Judgement, Callable[[Path], None]]] = {
    "INVALID stands as a result": ("valid-claim", Judgement.CONTRADICTED, both("VALID", "INVALID")),
    "VALID with a condition unmet": ("valid-claim", Judgement.CONTRADICTED, text('"early_stopping_met", "value": true', '"early_stopping_met", "value": false')),
    "the summary was edited to VALID": ("log-integrity", Judgement.CONTRADICTED, text('"VALID"', '"INVALID"')),
    "one log's throughput was edited": ("log-integrity", Judgement.CONTRADICTED, number("result_completed_samples_per_sec", 1.1)),
    "a detail log cut short": ("log-integrity", Judgement.UNSUPPORTED, cut("detail")),
    "a summary cut short": ("log-integrity", Judgement.UNSUPPORTED, cut("summary")),
    "errors in the log": ("log-errors", Judgement.UNSUPPORTED, error_line),
    "other seeds": ("log-settings", Judgement.CONTRADICTED, both("1780908523862526354", "42")),
    "token latencies off": ("log-settings", Judgement.CONTRADICTED, text('"requested_use_token_latencies", "value": true', '"requested_use_token_latencies", "value": false')),
    "a tenth of the samples": ("log-settings", Judgement.CONTRADICTED, text("13368", "1336")),
    "one sample again and again": ("log-settings", Judgement.CONTRADICTED, text('issue_same", "value": false', 'issue_same", "value": true')),
    "a minute of minimum": ("too-short", Judgement.CONTRADICTED, both("600000", "60000")),
    "Server's limits in Interactive": ("latency-limits", Judgement.CONTRADICTED, text("99.00 percentile first token latency (ns)  : ", "99.00 percentile first token latency (ns)  : 9", "summary")),
    "p99 above the limit": ("latency-limits", Judgement.CONTRADICTED, text("99.00 percentile time to output token (ns)  : ", "99.00 percentile time to output token (ns)  : 9", "summary")),
    "more than LoadGen's clock allows": ("throughput", Judgement.CONTRADICTED, number("result_completed_samples_per_sec", 1.1)),
    "completed beyond the schedule": ("schedule-rate", Judgement.CONTRADICTED, number("result_scheduled_samples_per_sec", 0.9)),
    "more answers than queries": ("schedule-rate", Judgement.CONTRADICTED, number("generated_query_count", 0.5)),
}  # fmt: skip


@pytest.fixture
def interactive(tmp_path: Path) -> Path:
    """An Interactive submission that holds its limits."""
    rng = np.random.default_rng(3)
    sim = simulate(rng, 1000, 1, [1.0] * 6, arrivals=np.cumsum(rng.exponential(1.0, 1000)) + 1)
    sim.done_ns -= (sim.done_ns - sim.first_ns) * 2 // 5  # to 15 to 22 ms a token
    folder = submission_folder(tmp_path, "Interactive", system="8xH100")
    write_logs(folder, sim, "Interactive", 500_000_000, 30_000_000)
    return folder


def submission_report(folder: Path) -> AuditReport:
    return audit_path(folder.parents[7])


def test_the_submission_that_falsehoods_are_planted_in_is_clean(interactive: Path) -> None:
    assert complaints(submission_report(interactive)) == []


@pytest.mark.parametrize("kind", PLANTED_IN_LOGS)
def test_a_falsehood_planted_in_logs_raises_its_rule(interactive: Path, kind: str) -> None:
    rule, verdict, plant = PLANTED_IN_LOGS[kind]
    plant(interactive)
    report = submission_report(interactive)
    assert (rule, verdict) in raised(report), complaints(report)


def test_a_claim_that_isnt_its_logs(interactive: Path) -> None:
    claims = {
        "runs": [{"name": "a", "log": str(interactive), "samples": "1000", "samples_per_s": "1.5", "valid": "true"}]
    }
    report = audit_claims(claims)
    assert ("claim-and-log", Judgement.CONTRADICTED) in raised(report)
    assert ("valid-claim", Judgement.UNSUPPORTED) not in raised(report)


def test_a_claimed_result_with_servers_limits_in_interactive(interactive: Path) -> None:
    text('latency", "value": 500000000', 'latency", "value": 2000000000')(interactive)
    assert complaints(submission_report(interactive)) == []  # the 99th percentile decides in a results tree
    claim = {
        "name": "a",
        "log": str(interactive),
        "benchmark": "llama3.1-8b",
        "scenario": "Interactive",
        "mlperf": "true",
    }
    assert ("latency-limits", Judgement.CONTRADICTED) in raised(audit_claims({"runs": [claim]}))


def test_every_rule_is_raised_by_some_falsehood() -> None:
    """Those that judge run folders, campaigns and trees alone are raised by forgeries of these."""
    planted = {rule for rule, _, _ in (*PLANTED.values(), *PLANTED_IN_LOGS.values())}
    planted |= {forgery.rule for forgery in (*folders.FORGERIES, *trees.FORGERIES, *submissions.DEFECTS)}
    planted |= {rule for _, rule, _ in curve_defects.DEFECTS.values()}
    assert {rule.name for rule in all_rules()} - planted == {
        "campaign-manifest",
        "claim-and-log",
        "manifest",
        "answered-share",
        "same-answers",
        "official-data",
        "engine-search",
        "rate-search",
        "signature",
        "usage-and-text",
    }
