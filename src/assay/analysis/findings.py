"""Findings: what stands out in a run, each with its evidence, and what to do about it where that is known."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.answer_findings import score_findings
from assay.analysis.client_findings import client_findings
from assay.analysis.finding import LIKELY, UNKNOWN, Citation, Finding
from assay.analysis.hardware import Slowdown, Telemetry
from assay.analysis.listing import names
from assay.analysis.measurement_findings import measurement_findings
from assay.analysis.nodes import NodePart, Symmetry
from assay.analysis.phases import Phases
from assay.analysis.stopped import stopped_findings
from assay.analysis.streams import Streams
from assay.analysis.tokens import TokenAnalysis, sources_in_words
from assay.analysis.told import Told
from assay.analysis.waiting import Waiting
from assay.digits import number_text
from assay.runs.ledger import Ledger, reasons_in_words
from assay.runs.metric_names import KV_CACHE, PREEMPTIONS
from assay.runs.record import RunRecord
from assay.runs.result import Result

_COSTLY = 0.02
_COLD = 1.25
_OFTEN = 0.05
_FULL_CACHE = 0.95


class _Run:
    """Everything a rule may look at, and the run's name for its evidence."""

    def __init__(self, run: str, record: RunRecord) -> None:
        self.run, self.record = run, record

    def seen(self, file: str, figure: str) -> list[Citation]:
        return [Citation(run=self.run, file=file, figure=figure)]

    def log(self, endpoint: str | None = None) -> str:
        """Where servers' words are: only servers that Assay starts write into the campaign's folder."""
        chosen = [e for e in self.record.endpoints if endpoint in (None, e.name)]
        if any(e.engine == "external" for e in chosen):
            return "the server's own log"
        return f"endpoints/{endpoint}.log" if endpoint else "the endpoints' logs (endpoints/*.log)"


def find(
    record: RunRecord,
    result: Result,
    ledger: Ledger | None,
    parts: Phases | None,
    nodes: Symmetry | None,
    tokens: TokenAnalysis | None,
    told: Told,
    telemetry: Telemetry | None,
    held: Sequence[Streams],
    waits: Waiting | None,
    cores: int | None,
) -> list[Finding]:
    """All findings of one run's records. `cores`: of the machine that sent the load."""
    run = _Run(result.run, record)
    logs = {endpoint.name: run.log(endpoint.name) for endpoint in record.endpoints}
    found = list(stopped_findings(run.run, result.stopped, len(record.endpoints), logs))  # causes what follows
    found += _ledger_findings(run, ledger) + client_findings(result.run, record, telemetry, cores)
    if parts is not None:
        found += _phase_findings(run, parts)
    if nodes is not None:
        found += _node_findings(run, nodes, result)
    if telemetry is not None:
        found += _hardware_findings(run, telemetry, result)
    if tokens is not None:
        found += _token_findings(run, tokens)
    found += _told_findings(run, told)
    found += score_findings(result)
    return found + measurement_findings(result, record, held, waits)


def _ledger_findings(run: _Run, ledger: Ledger | None) -> list[Finding]:
    if ledger is None:
        return []
    found = []
    if ledger.failed + ledger.lost:
        figure = f"{ledger.failed} failed, {ledger.lost} lost of {ledger.issued}"
        if ledger.failure_reasons:
            figure += f"; reasons: {reasons_in_words(ledger.failure_reasons)}"
        owing = {entry.endpoint: entry.lost for entry in ledger.endpoints if entry.lost}
        if owing and len(ledger.endpoints) > 1:
            most_first = sorted(owing.items(), key=lambda own: -own[1])
            figure += f"; owed when the run ended: {names([f'{lost:,} by {name}' for name, lost in most_first])}"
        sole = next(iter(owing)) if len(owing) == 1 and not ledger.failed else None
        found.append(
            Finding(
                rule="failed-samples",
                severity="error",
                title="Samples were not answered.",
                evidence=run.seen("ledger.json", figure),
                suggestion=f"look for {'these reasons' if ledger.failure_reasons else 'why'} in {run.log(sole)}",
            )
        )
    for entry in sorted(ledger.endpoints, key=lambda entry: -entry.failed):
        if entry.failed:
            reasons = reasons_in_words(entry.reasons)
            found.append(
                Finding(
                    rule="failed-attempts",
                    severity="warning",
                    title=f"Endpoint {entry.endpoint} failed attempts.",
                    evidence=run.seen("ledger.json", f"{entry.failed} of {entry.sent} attempts failed: {reasons}"),
                    suggestion=f"look at {run.log(entry.endpoint)} at the times of these attempts",
                    subject=entry.endpoint,
                )
            )
    return found


def _phase_findings(run: _Run, parts: Phases) -> list[Finding]:
    if run.record.client.client_bound:
        return []  # a client that is late makes a start as slow as a cold server does
    cold = parts.cold_ratio
    if cold is None or parts.cold_low is None or parts.cold_low <= 1 or cold < _COLD or parts.start_cost < _COSTLY:
        return []
    if parts.start_work_ratio is None or parts.start_work_ratio >= 1:
        return []  # busy with the first prompts, not cold
    figure = (
        f"TPOT of samples sent in the first {parts.steady_from_s:.1f} s is {cold:.2f} times that of the later ones "
        f"(95 %: {parts.cold_low:.2f} to {parts.cold_high:.2f}), and {parts.start_work_ratio:.2f} times the tokens "
        f"were processed a second; the start costs {100 * parts.start_cost:.1f} % of the token rate"
    )
    return [
        Finding(
            rule="cold-start",
            severity="warning",
            title="The run began before the servers were warm.",
            evidence=run.seen("requests.parquet", figure),
            suggestion="a longer warm-up before the clock starts (load.warmup_limit_s), or a longer run",
            expect=(
                f"up to {100 * parts.start_cost:.1f} % more tokens/s: {number_text(parts.headline_tokens_per_s)} in "
                f"the whole run against {number_text(parts.steady_tokens_per_s)} in the steady window"
            ),
        )
    ]


def _node_findings(run: _Run, nodes: Symmetry, result: Result) -> list[Finding]:
    slower = sorted((fact for fact in nodes.nodes if fact.slower), key=lambda fact: fact.speed_ratio or 0.0)
    found = [_slow_node(run, fact, nodes) for fact in slower]
    worst = max(nodes.nodes, key=lambda fact: fact.idle_tail_s)
    if (
        run.record.scenario == "Offline"
        and not result.stopped  # what is gone isn't idle
        and nodes.idle_share > _COSTLY
        and worst.idle_tail_s > 2 * nodes.typical_sample_s
    ):
        figure = (
            f"{worst.node} ends {worst.idle_tail_s:.1f} s before the run; nodes wait {100 * nodes.idle_share:.1f} % of "
            f"all node time; 99 % of the samples take less than {nodes.typical_sample_s:.1f} s"
        )
        found.append(
            Finding(
                rule="tail-imbalance",
                severity="warning",
                title="Nodes stand idle while others finish.",
                evidence=run.seen("requests.parquet", figure),
                suggestion="a smaller window of requests in flight for each endpoint, so that no node holds a backlog",
                expect=(
                    f"at most {100 * nodes.idle_share / (1 - nodes.idle_share):.1f} % more samples/s: the idle node "
                    "time filled with work at the same speed"
                ),
            )
        )
    return found


def _slow_node(run: _Run, fact: NodePart, nodes: Symmetry) -> Finding:
    others = [other.node for other in nodes.nodes if other is not fact]
    whom = others[0] if len(others) == 1 else "the others' median"
    figure = (
        f"{nodes.measure} in this run: {fact.speed_ratio:.3f} \N{MULTIPLICATION SIGN} "
        f"({fact.speed_low:.3f} to {fact.speed_high:.3f}) as fast as {whom}; share of samples {100 * fact.share:.1f} %"
    )
    evidence = run.seen("requests.parquet", figure)
    if fact.causes:
        evidence += run.seen("telemetry.parquet", "; ".join(fact.causes))
    if fact.differences:
        evidence += run.seen("run.json, system.json", "; ".join(fact.differences))
    if found := [*fact.causes, *fact.differences]:
        suggestion = f"{LIKELY}{found[0]}; mend that on {fact.node} and run again"
    else:
        suggestion = f"{UNKNOWN}: neither telemetry nor settings, versions, hardware or placement differ"
    rates = [other.tokens_per_s for other in nodes.nodes if other.tokens_per_s]
    own, ratio = fact.tokens_per_s, fact.speed_ratio
    expect = UNKNOWN
    if own and ratio and run.record.scenario == "Offline":
        gain = own * (1 / ratio - 1) / sum(rates)
        expect = (
            f"{100 * gain:.1f} % more tokens/s in total if it were as fast as {whom} (from the nodes' measured rates)"
        )
    return Finding(
        rule="slow-node",
        severity="warning",
        title=f"Node {fact.node} is slower than the others.",
        evidence=evidence,
        suggestion=suggestion,
        expect=expect,
        subject=fact.node,
    )


def _hardware_findings(run: _Run, telemetry: Telemetry, result: Result) -> list[Finding]:
    slowdowns = sorted(telemetry.slowdowns(), key=lambda slow: -slow.share)
    found = [_throttled(run, slow) for slow in slowdowns if slow.share >= _OFTEN]
    for metric in telemetry.matching(PREEMPTIONS):
        count = float(metric.value[-1] - metric.value[0])
        completed = result.figures.get("samples_completed")
        if completed is not None and count > 0.01 * completed.value:
            found.append(
                Finding(
                    rule="preemptions",
                    severity="warning",
                    title=f"The engine on {metric.node} preempted requests.",
                    evidence=run.seen(
                        "telemetry.parquet", f"{metric.name} grew by {count:.0f}; {completed.value:.0f} samples"
                    ),
                    suggestion="fewer sequences at once (max_num_seqs), or more KV cache (gpu_memory_utilization)",
                    subject=metric.node,
                )
            )
    for metric in telemetry.matching(KV_CACHE):
        share = float((metric.value >= _FULL_CACHE).mean())
        if share >= _OFTEN:
            found.append(
                Finding(
                    rule="kv-cache-full",
                    severity="note",
                    title=f"The KV cache on {metric.node} was full.",
                    evidence=run.seen(
                        "telemetry.parquet", f"{metric.name} at or above 0.95 in {100 * share:.0f} % of the time"
                    ),
                    suggestion="more KV cache (gpu_memory_utilization, an 8-bit kv_cache_dtype), or fewer sequences",
                    subject=metric.node,
                )
            )
    return found


def _throttled(run: _Run, slow: Slowdown) -> Finding:
    clocks = ""
    if slow.clock_during_mhz is not None and slow.clock_otherwise_mhz is not None:
        clocks = f"; SM clock {slow.clock_during_mhz:.0f} MHz then, {slow.clock_otherwise_mhz:.0f} otherwise"
    figure = (
        f"slowed down by {', '.join(slow.reasons)} in {100 * slow.share:.0f} % of the time, "
        f"from {slow.from_s:.0f} s to {slow.to_s:.0f} s{clocks}"
    )
    return Finding(
        rule="throttling",
        severity="warning",
        title=f"{slow.gpu} of {slow.node} was throttled.",
        evidence=run.seen("telemetry.parquet", figure),
        suggestion="cooling, power supply and power limit of this node (nvidia-smi -q -d PERFORMANCE)",
        subject=f"{slow.gpu} of {slow.node}",
    )


def _token_findings(run: _Run, tokens: TokenAnalysis) -> list[Finding]:
    found = []
    estimated = {source: n for source, n in tokens.token_sources.items() if source not in ("ids", "usage")}
    if estimated:
        counts = sources_in_words(estimated)
        found.append(
            Finding(
                rule="token-counts",
                severity="note",
                title="Some token counts are not the server's own.",
                evidence=run.seen("requests.parquet", f"tokens counted by {counts}"),
                suggestion="a server that returns token ids (return_token_ids) or usage",
            )
        )
    return found


def _told_findings(run: _Run, told: Told) -> list[Finding]:
    found = []
    if told.counts.problem:
        found.append(
            Finding(
                rule="usage-against-text",
                severity="error",
                title="The server's token counts don't go with its texts.",
                evidence=run.seen("requests.parquet", told.counts.problem),
                suggestion="a server that returns token ids (return_token_ids), or its own model's tokenizer",
            )
        )
    if mixed := told.mixed():
        found.append(
            Finding(
                rule="answer-models",
                severity="error",
                title="Which model answered isn't known.",
                evidence=run.seen("requests.parquet", mixed),
                suggestion="one model behind each endpoint; look at what the gateway falls back to",
            )
        )
    return found
