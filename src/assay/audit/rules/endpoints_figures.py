"""The figures of a point of MLPerf Endpoints follow from its run, and its system's power from its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.audit.curves import Curve, Point, figure, inner
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted_unless, evidence_rule, unsupported_unless

_TOLERANCE = 0.01  # submission-checker v1.1.0.0, of figures that are stated beside what they follow from
_SHARE_TOLERANCE = 0.01  # of tps_utilization: two digits are what is written of it
_OVERHEAD = {"liquid": 0.3, "water": 0.3, "immersion": 0.3, "air": 0.5}
_GROUPS = {
    "cpu": ("num_cpu", "tdp_per_cpu"),
    "accelerator": ("num_accelerator", "tdp_per_accelerator"),
    "compute": ("count", "tdp_per_unit"),
    "scale_up_network": ("num_switches", "tdp_per_switch"),
}


@evidence_rule(
    "endpoints-figures",
    explain="""
    system_tps = output tokens / seconds          tps_per_user = 1000 / tpot_p90_ms
    system_tps_per_kw = system_tps / kW           tps_utilization = system_tps / the most of its curve

A point at a fixed number in flight states a TPOT P90 above nought. Figures that are stated beside these follow from
them within 1 %. The power is the system's provisioned one, from system_power.json: a declared total, a rack's share, or
the rated power of its processors, accelerators and scale-up switches with 30 % (liquid-cooled) or 50 % (air-cooled) on
top; what is left out of it MLCommons estimates.
""",
    source="MLPerf Endpoints rules 4.1, 4.5 and 8.2; submission-checker v1.1.0.0",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submission in evidence.endpoints:
        for curve in submission.curves:
            watts = _watts(curve)
            words = f"a provisioned power of {watts:.6g} W" if watts is not None else "a provisioned power"
            sums = curve.power.problem or ("by its fields" if watts is not None else "no total follows from its fields")
            yield unsupported_unless(watts is not None, words, sums, f"{curve.name}/power", curve.power.where)
            most = max((point.tokens_per_s or 0.0 for point in curve.points), default=0.0)
            for point in curve.points:
                if not point.summary.problem:
                    yield from _stated(point, watts)
                    yield from _utilisation(point, most)


def _stated(point: Point, watts: float | None) -> Iterator[Check]:
    name, where, data = point.summary.name, point.summary.where, point.summary.data
    tpot, rate = point.tpot_p90_ms, point.tokens_per_s
    if not point.dedicated:
        words = "a TPOT P90" if tpot is None else f"a TPOT P90 of {tpot:.6g} ms"
        yield unsupported_unless(tpot is not None and tpot > 0, words, "stated, and above nought", name, where)
    words = "a rate of output tokens" if rate is None else f"{rate:.6g} output tokens/s"
    sums = "output_sequence_lengths.total / duration_ns"
    yield unsupported_unless(rate is not None and rate > 0, words, sums, name, where)
    derived = {
        "system_tps": rate,
        "tps_per_user": 1000 / tpot if tpot else None,
        "system_tps_per_kw": rate * 1000 / watts if rate is not None and watts else None,
    }
    for field, right in derived.items():
        stated = figure(data.get(field))
        if stated is not None and right is not None:
            good = abs(stated - right) <= _TOLERANCE * abs(right)
            yield contradicted_unless(good, f"{field} {stated:.6g}", f"computed: {right:.6g}", name, where)


def _utilisation(point: Point, most: float) -> Iterator[Check]:
    stated = figure(point.system.data.get("tps_utilization"))
    if stated is None or point.tokens_per_s is None or not most:
        return
    right = point.tokens_per_s / most
    words, sums = f"tps_utilization {stated:.4g}", f"{point.tokens_per_s:.6g} / {most:.6g} = {right:.4g}"
    yield contradicted_unless(
        abs(stated - right) <= _SHARE_TOLERANCE, words, sums, point.system.name, point.system.where
    )


def _watts(curve: Curve) -> float | None:
    """The system's provisioned power, W; None where no total follows."""
    data = curve.power.data
    total = figure(data.get("provisioned_power_w"))
    if total is None:
        total = _rack(data)
    if total is None:
        compute = _group(data, "compute")
        parts = [compute] if compute is not None else [_group(data, "cpu"), _group(data, "accelerator")]
        known = [part for part in (*parts, _group(data, "scale_up_network")) if part is not None]
        overhead = _overhead(data, curve)
        total = sum(known) * (1 + overhead) if known and overhead is not None else None
    return total if total is not None and total > 0 else None


def _rack(data: Mapping[str, Any]) -> float | None:
    power, nodes, own = (figure(data.get(name)) for name in ("rack_power_w", "rack_nodes", "submitted_nodes"))
    return power * own / nodes if power is not None and own is not None and nodes else None


def _group(data: Mapping[str, Any], name: str) -> float | None:
    found, (units, each) = inner(data, name), _GROUPS[name]
    count, power = figure(found.get(units, found.get("count"))), figure(found.get(each, found.get("tdp_per_unit")))
    return count * power if count is not None and power is not None else None


def _overhead(data: Mapping[str, Any], curve: Curve) -> float | None:
    stated = figure(data.get("overhead_fraction"))
    if stated is not None or not curve.points:
        return stated
    system = curve.points[0].system.data
    nodes = system.get("node_types")
    places = [system, *(nodes if isinstance(nodes, list) else [])]
    cooled = " ".join(str(place.get("cooling", "")) for place in places if isinstance(place, dict)).lower()
    return max((share for word, share in _OVERHEAD.items() if word in cooled), default=None)
