"""A curve of MLPerf Endpoints has its points where they are asked for, and one for Offline."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.curves import Curve, Point, whole
from assay.audit.evidence import Evidence
from assay.audit.registry import Check, contradicted_unless, evidence_rule, unsupported_unless
from assay.benchmarks.mlperf.endpoints import FEWEST_POINTS, MOST_POINTS, OFFLINE_SHARE, ULTRA_LOW, margin_end


@evidence_rule(
    "endpoints-curve",
    explain="""
    I = log2(C_max - C_min) / 3;  low ends at round(C_min + 2^I), medium at round(C_min + 2^2I), high at C_max

with C_min the lowest concurrency of the curve's points, at most 32, and C_max the declared max_supported_concurrency,
above 32. There is a point at 32 or below and one in each of the three regions; 7 points at least and 32 at most; none
beyond ceil(1.1 C_max), and what lies beyond C_max is in no region. A benchmark that isn't agentic has exactly one point
for Offline: C_max's, elected, or a dedicated run, which is an eighth, counts for no region, has the whole data set in
flight, at least C_max, and gives at least 0.98 of the system's rate at C_max. An agentic one has none.
""",
    source="MLPerf Endpoints rules 5.3 to 5.7 and 9.1",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submission in evidence.endpoints:
        for curve in submission.curves:
            if curve.points:
                yield from _most(curve)
                yield from _count(curve)
                yield from _regions(curve)
                yield from _offline(curve)


def _most(curve: Curve) -> Iterator[Check]:
    stated = {whole(point.config.data.get("max_supported_concurrency")) for point in curve.points}
    stated |= {
        whole(point.system.data["max_supported_concurrency"])
        for point in curve.points
        if "max_supported_concurrency" in point.system.data
    }
    words = f"max_supported_concurrency: {', '.join(sorted(map(str, stated)))}"
    good = len(stated) == 1 and (curve.most or 0) > ULTRA_LOW
    yield contradicted_unless(good, words, f"one number above {ULTRA_LOW} at every point", _points(curve), curve.where)


def _count(curve: Curve) -> Iterator[Check]:
    fewest = FEWEST_POINTS + any(point.dedicated for point in curve.points)
    words, sums = f"{len(curve.points)} points", f"{fewest} at least and {MOST_POINTS} at most"
    yield contradicted_unless(fewest <= len(curve.points) <= MOST_POINTS, words, sums, _points(curve), curve.where)


def _regions(curve: Curve) -> Iterator[Check]:
    known = sorted(point.concurrency or 0 for point in curve.fixed)
    if not curve.regions:
        words = f"points at {', '.join(map(str, known)) or 'no known concurrency'}"
        sums = f"no regions without one at {ULTRA_LOW} or below and a declared maximum above"
        yield unsupported_unless(False, words, sums, _points(curve), curve.where)
        return
    for region in curve.regions:
        inside = [number for number in known if number in region]
        sums = f"at {', '.join(map(str, inside))}" if inside else "there is none"
        words = f"a point in {region.name}, {region}"
        yield unsupported_unless(bool(inside), words, sums, _points(curve), curve.where)
    end = margin_end(curve.most or 0)
    for point in curve.fixed:
        number = point.concurrency or 0
        yield contradicted_unless(
            number <= end, f"a point at {number}", f"none beyond {end}", point.config.name, point.config.where
        )
        for region in curve.regions:
            if point.config.data.get("region") == region.name:
                words = f"{number} in flight in {region.name}"
                yield contradicted_unless(
                    number in region, words, f"that is {region}", point.config.name, point.config.where
                )


def _offline(curve: Curve) -> Iterator[Check]:
    points = [point for point in curve.points if point.config.data.get("offline") in ("dedicated", "elected")]
    wanted = 0 if curve.agentic else 1
    words = f"{len(points)} points for Offline"
    sums = "an agentic curve has none" if curve.agentic else "offline: dedicated or elected at exactly one"
    yield contradicted_unless(len(points) == wanted, words, sums, _points(curve), curve.where)
    for point in points:
        if point.dedicated:
            yield from _dedicated(point, curve)
        else:
            words, sums = f"{point.concurrency} in flight elected for Offline", f"C_max is {curve.most}"
            good = point.concurrency == curve.most
            yield contradicted_unless(good, words, sums, point.config.name, point.config.where)


def _dedicated(point: Point, curve: Curve) -> Iterator[Check]:
    name, where = point.config.name, point.config.where
    words = f"{point.concurrency} in flight for Offline"
    if curve.rules is not None and curve.rules.samples is not None:
        sums = f"the data set has {curve.rules.samples}"
        yield contradicted_unless(point.concurrency == curve.rules.samples, words, sums, name, where)
    if point.concurrency is not None and curve.most is not None:
        yield contradicted_unless(point.concurrency >= curve.most, words, f"C_max is {curve.most}", name, where)
    highest = next((other for other in curve.fixed if other.concurrency == curve.most), None)
    own, other = point.tokens_per_s, highest.tokens_per_s if highest is not None else None
    if own is not None and other is not None:
        sums = f"at least {OFFLINE_SHARE} of the {other:.6g} at C_max"
        yield contradicted_unless(own >= OFFLINE_SHARE * other, f"Offline's {own:.6g} tokens/s", sums, name, where)


def _points(curve: Curve) -> str:
    return f"{curve.name}/points"
