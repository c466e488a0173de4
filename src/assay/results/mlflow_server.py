"""A campaign in MLflow (extra `mlflow`): an MLflow run for it, and below that one for each of its own runs.

Telling the same twice changes nothing; what has changed since is told under the same MLflow run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from assay.errors import AssayError, UserError
from assay.extras import require
from assay.results.campaign import LoadedCampaign
from assay.results.tracked import Tracked, tracked_campaign, tracked_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

URI = "MLFLOW_TRACKING_URI"
_SOURCE, _DIGEST, _TELLING = "assay.source", "assay.digest", "assay.telling"
_PARENT = "mlflow.parentRunId"  # what MLflow's pages show runs below one another by
_AT_ONCE = 100  # parameters or tags a request
_LONGEST = 5000  # characters of a tag or parameter that every version takes
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing is told to anyone but the server that was named
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # where a script reads JSON
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # MLflow's own 7 take minutes to say that there is no server
}


@dataclass(frozen=True)
class Told:
    """What became of a campaign, or of one of its runs."""

    source: str
    mlflow_run: str
    state: Literal["new", "updated", "as it was"]
    kept_parameters: tuple[str, ...] = ()
    """Those that have changed since, which MLflow doesn't let change."""


def tell_mlflow(campaign: LoadedCampaign, uri: str | None, experiment: str | None = None) -> list[Told]:
    """Tell the server at `uri` (None: MLFLOW_TRACKING_URI) of a campaign and those of its runs that are over.

    `experiment`: where; None: the one of the campaign's name. Raises UserError where no server is named or MLflow isn't
    installed, AssayError where the server takes something not.
    """
    place = uri or os.environ.get(URI)
    if not place:
        raise UserError(f"no MLflow is named: set {URI}, or give --tracking-uri, such as http://HOST:5000")
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    require("mlflow", "--format mlflow")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        server = _Server(MlflowClient(tracking_uri=place), experiment or campaign.state.name)
        return list(server.tell(campaign))
    except MlflowException as error:
        raise AssayError(f"MLflow at {_shown(place)}: {error.message}") from None


class _Server:
    def __init__(self, client: MlflowClient, experiment: str) -> None:
        self._client = client
        found = client.get_experiment_by_name(experiment)
        self._experiment = client.create_experiment(experiment) if found is None else found.experiment_id

    def tell(self, campaign: LoadedCampaign) -> Iterator[Told]:
        whole = self._tell(tracked_campaign(campaign), {})
        yield whole
        for run in campaign.runs:
            if run.entry.ended:
                yield self._tell(tracked_run(campaign, run), {_PARENT: whole.mlflow_run})

    def _tell(self, what: Tracked, tags: Mapping[str, str]) -> Told:
        found = self._found(what.source)
        if found is not None and found.data.tags.get(_DIGEST) == what.digest:
            return Told(what.source, found.info.run_id, "as it was")
        known = {} if found is None else dict(found.data.params)
        run = found or self._client.create_run(
            self._experiment, what.started_ms, {_SOURCE: what.source, **tags}, run_name=what.name
        )
        name = run.info.run_id
        # Of values of one step MLflow shows the highest, so that each telling has a step of its own.
        telling = int(run.data.tags.get(_TELLING, 0)) + 1
        self._client.set_tag(name, _TELLING, telling)
        self._log(name, what, {**tags, **what.tags}, known, telling)
        for path in what.files:
            self._client.log_artifact(name, str(path))
        if what.ended_ms is not None:
            self._client.set_terminated(name, "FINISHED" if what.completed else "FAILED", what.ended_ms)
        self._client.set_tag(name, _DIGEST, what.digest)  # last: what was cut short is told again
        kept = tuple(key for key, value in what.parameters.items() if known.get(key, _cut(value)) != _cut(value))
        return Told(what.source, name, "new" if found is None else "updated", kept)

    def _found(self, source: str) -> Run | None:
        runs = self._client.search_runs([self._experiment], f"tags.`{_SOURCE}` = '{source}'", max_results=1)
        return runs[0] if runs else None

    def _log(self, name: str, what: Tracked, tags: Mapping[str, str], known: Mapping[str, str], step: int) -> None:
        from mlflow.entities import Metric, Param, RunTag

        at_ms = what.ended_ms or what.started_ms
        self._client.log_batch(name, metrics=[Metric(key, value, at_ms, step) for key, value in what.metrics.items()])
        new = [Param(key, _cut(value)) for key, value in what.parameters.items() if key not in known]
        for some in _parts(new):
            self._client.log_batch(name, params=some)
        for some in _parts([RunTag(key, _cut(value)) for key, value in tags.items()]):
            self._client.log_batch(name, tags=some)


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    for begin in range(0, len(items), _AT_ONCE):
        yield items[begin : begin + _AT_ONCE]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _shown(uri: str) -> str:
    """Without what may identify its user."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
