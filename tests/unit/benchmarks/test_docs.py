"""docs/benchmarks.md says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from assay.benchmarks import benchmark_names, get_benchmark

DOCS = Path(__file__).resolve().parents[3] / "docs" / "benchmarks.md"


def test_the_example_is_a_benchmark(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example is not None
    path = tmp_path / "mine.yaml"
    path.write_text(example.group(1))
    assert get_benchmark(path).name == "my-summaries"


def test_every_benchmark_stands_there_with_its_scenarios_and_targets() -> None:
    rows = [[cell.strip(" `") for cell in line.split("|")] for line in DOCS.read_text().splitlines()]
    for name in benchmark_names():
        benchmark = get_benchmark(name)
        mine = [row for row in rows if len(row) > 2 and row[1] == name]
        assert mine[0][2].replace("none", "").split(", ") == (list(benchmark.scenarios) or [""])
        if benchmark.quality is not None:
            q = benchmark.quality
            numbers = {float(cell.replace(",", "")) for cell in mine[-1][2:-1] if cell != "-"}
            assert numbers == {*q.reference.values(), float(q.samples)}
