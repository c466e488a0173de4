"""With `over_network` LoadGen knows the system by a name that only its query dispatch library can bear."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulated import FAST, run, simulators

from assay.benchmarks.mlperf import NETWORK_SUT_WORDS
from assay.load.loadgen import NETWORK_SUT
from assay.runs import read_detail


@pytest.mark.parametrize("scenario", ["Offline", "Server"])
@pytest.mark.parametrize("over_network", [True, False])
def test_every_sample_is_answered_through_it(tmp_path: Path, scenario: str, over_network: bool) -> None:
    with simulators(tmp_path, [FAST]) as urls:
        done = run(tmp_path, urls, scenario, loadgen={"over_network": over_network})
    assert done.ledger.completed == done.ledger.issued == 32
    named = read_detail(done.folder.loadgen_detail).values["sut_name"]
    assert (named == NETWORK_SUT) is over_network
    assert (NETWORK_SUT_WORDS in named) is over_network
