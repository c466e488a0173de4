"""A campaign as a Kubernetes Job: what its pods can't see or must be given is known from its configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from assay.benchmarks import is_benchmark_file
from assay.cluster.kubernetes.export import campaign_files
from assay.cluster.kubernetes.job import RESULTS_FOLDER
from assay.cluster.options import KubernetesOptions
from assay.config import Config, dump_config
from assay.deploy.export.files import export_files
from assay.engines import build_engine
from assay.errors import UserError


def job_files(config: Config, image: str) -> dict[str, str]:
    """File name: text, beside those of `assay export k8s`. `image` is the controller's.

    Raises UserError where the configuration isn't for Kubernetes, or names files that a pod doesn't see.
    """
    servers = export_files("k8s", config.engine, config.cluster, "", config.output)
    cluster = config.cluster
    assert isinstance(cluster, KubernetesOptions)
    if not image or not image.isprintable() or " " in image:
        raise UserError(f"--controller {image!r}: write the name of an image, such as registry.example/assay:1")
    _require_visible(config, cluster)
    # There the account of the pod is taken, whatever was taken here.
    inside = config.model_copy(
        update={
            "cluster": cluster.model_copy(update={"kubeconfig": None, "context": None}),
            "output": Path(RESULTS_FOLDER),
        }
    )
    return servers | campaign_files(cluster, dump_config(inside), image, _variables(config))


def _require_visible(config: Config, cluster: KubernetesOptions) -> None:
    volume = cluster.model_volume
    seen = [Path(volume.mount)] if volume else []
    seen.append(Path(RESULTS_FOLDER))
    unseen = [
        f"{place}: {path}"
        for place, path in _files(config)
        if ".." in path.parts or not any(path.is_relative_to(folder) for folder in seen)
    ]
    if unseen:
        claim = f"{seen[0]} (cluster.model_volume) or " if volume else ""
        raise UserError(
            "\n".join(unseen) + f"\nthe Job's pod sees no file of this machine: put it below {claim}{RESULTS_FOLDER} "
            f"(the claim for results), and name the path there"
        )


def _files(config: Config) -> Iterator[tuple[str, Path]]:
    """The files and folders that the controller reads, by their places in the configuration."""
    if is_benchmark_file(config.benchmark):
        yield "benchmark", Path(config.benchmark)
    yield from (found for found in _paths(config, "") if found[0] != "output")


def _paths(section: BaseModel, above: str) -> Iterator[tuple[str, Path]]:
    for name, value in section:
        if isinstance(value, Path):
            yield above + name, value
        elif isinstance(value, BaseModel):
            yield from _paths(value, f"{above}{name}.")


def _variables(config: Config) -> list[str]:
    """The environment that the controller needs: what it hands on to the servers, and where alerts go."""
    specs = build_engine(config.engine).servers(config.cluster.node_list())
    alerts = [secret.env for secret in (config.alerts.webhook, config.alerts.apprise) if secret and secret.env]
    return list(dict.fromkeys([*specs[0].secret_env, *alerts]))
