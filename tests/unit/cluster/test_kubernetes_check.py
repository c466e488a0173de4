"""What a preflight says where the cluster's API can't be asked."""

from __future__ import annotations

import asyncio

import pytest

from assay.cluster.kubernetes.api import Api
from assay.cluster.kubernetes.check import check_rows
from assay.cluster.options import KubernetesOptions
from assay.errors import AssayError, UserError
from assay.extras import MissingExtraError


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (UserError("no Kubernetes configuration"), "correct cluster.kubeconfig and cluster.context"),
        (MissingExtraError("launcher kubernetes needs kubernetes: run `pip`"), ""),  # the message says it
    ],
)
def test_it_says_what_to_mend_once(error: AssayError, mend: str) -> None:
    def api_of() -> Api:
        raise error

    (row,) = asyncio.run(check_rows(api_of, KubernetesOptions(launcher="kubernetes", image="i")))
    assert (row.outcome.value, row.detail, row.mend) == ("failed", str(error), mend)
