"""The `cluster:` section of assay.yaml: which nodes, and how to start something there."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from assay.cluster.grouping import as_one, in_groups, require_groups
from assay.cluster.launcher import LaunchError
from assay.errors import UserError
from assay.quantities import Count, LocalFile, MaybeWord, OneLine, Price, Seconds, Several, Word
from assay.serving.nodes import MOST_ACCELERATORS, NodeOptions, Options


class ClusterSection(Options, ABC):
    """What every `cluster:` section tells of its nodes before anything is started there."""

    launcher: str

    @abstractmethod
    def node_list(self) -> tuple[NodeOptions, ...]:
        """The nodes, by the names that results carry. Raises UserError on a name twice."""

    @abstractmethod
    def only(self, names: Collection[str]) -> Self:
        """The same cluster with some of its nodes. Raises LaunchError where single ones can't be chosen."""

    def groups(self) -> dict[str, tuple[NodeOptions, ...]]:
        """The nodes behind each name of `node_list`: several where a server is spread, of which the first leads."""
        return {node.name: (node,) for node in self.node_list()}

    @property
    def group_size(self) -> int:
        """Over how many nodes or pods one server is spread."""
        return 1

    @property
    def on_this_machine(self) -> bool:
        """Whether its servers compute on the machine that sends the load."""
        return False

    @property
    def is_one_machine(self) -> bool:
        """Whether its nodes are parts of one machine, which share what they don't list as their own."""
        return False

    def accelerators_here(self) -> dict[int, str]:
        """The accelerators of this machine that are in it, each with its node."""
        return {}


class _NamedNodes(ClusterSection):
    """A cluster whose nodes the user lists."""

    nodes: tuple[NodeOptions, ...]

    def node_list(self) -> tuple[NodeOptions, ...]:
        counts = Counter(node.name for node in self.nodes)
        if twice := next((name for name, count in counts.items() if count > 1), None):
            raise UserError(f"cluster.nodes: the name {twice!r} is given more than once")
        return self.nodes

    def only(self, names: Collection[str]) -> Self:
        return self.model_copy(update={"nodes": tuple(node for node in self.nodes if node.name in names)})


def _by_accelerator(nodes: Collection[NodeOptions]) -> dict[int, str]:
    return {index: node.name for node in nodes for index in node.accelerators}


class LocalOptions(_NamedNodes):
    """This machine. Several nodes are parts of it, each with accelerators of its own."""

    launcher: Literal["local"] = "local"
    nodes: tuple[NodeOptions, ...] = Field(default=(NodeOptions(name="local"),), min_length=1)

    @property
    def on_this_machine(self) -> bool:
        return True

    @property
    def is_one_machine(self) -> bool:
        return True

    def accelerators_here(self) -> dict[int, str]:
        return _by_accelerator(self.nodes)

    @field_validator("nodes")
    @classmethod
    def _own_accelerators(cls, nodes: tuple[NodeOptions, ...]) -> tuple[NodeOptions, ...]:
        owners: dict[int, str] = {}
        for node in nodes:
            for index in node.accelerators:
                if owners.setdefault(index, node.name) != node.name:
                    raise ValueError(
                        f"accelerator {index} belongs to {owners[index]} and to {node.name}, which are this one "
                        f"machine: write each node's own, such as accelerators: [{index + 1}]"
                    )
        return nodes


class _GroupedNodes(_NamedNodes):
    """A cluster whose servers may be spread over several nodes each; such a group is one node of the results."""

    nodes_per_server: int = Field(
        default=1, ge=1, le=64, description="more than 1: one model over so many nodes that follow in the list (vLLM)"
    )

    def node_list(self) -> tuple[NodeOptions, ...]:
        nodes = super().node_list()
        return nodes if self.nodes_per_server == 1 else tuple(as_one(group) for group in self.groups().values())

    def groups(self) -> dict[str, tuple[NodeOptions, ...]]:
        return in_groups(self.nodes, self.nodes_per_server)

    def only(self, names: Collection[str]) -> Self:
        kept = tuple(node for name, group in self.groups().items() if name in names for node in group)
        return self.model_copy(update={"nodes": kept})

    @property
    def group_size(self) -> int:
        return self.nodes_per_server

    @model_validator(mode="after")
    def _whole_groups(self) -> Self:
        if self.nodes_per_server > 1:
            require_groups(self.nodes, self.nodes_per_server)
        return self


class SshNode(NodeOptions):
    """A host that ssh reaches."""

    address: MaybeWord = Field(default="", description="host name, address, or a Host of ssh_config; default: the name")
    user: Word | None = Field(default=None, description="default: the cluster's")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="of its SSH server; default: ssh_config's, else 22"
    )
    jump: Word | None = Field(default=None, description="[user@]host[:port] to go through")
    load_address: MaybeWord = Field(
        default="", description="where load is sent; default: the address that ssh connected to"
    )
    bind: MaybeWord = Field(default="", description="address that servers listen on; default: load_address")
    python: OneLine = Field(default="", description="interpreter that has assay; default: the cluster's")


class SshOptions(_GroupedNodes):
    """Hosts over SSH. Host keys must be known: an unknown or changed key is an error, always."""

    launcher: Literal["ssh"]
    nodes: tuple[SshNode, ...] = Field(min_length=1)
    user: Word | None = Field(default=None, description="default: ssh_config's, else yours")
    key_file: LocalFile | None = Field(default=None, description="private key; default: ssh_config, the agent, ~/.ssh")
    config_file: LocalFile | None = Field(default=None, description="default: ~/.ssh/config where there is one")
    known_hosts: LocalFile | None = Field(default=None, description="default: ssh_config's, else ~/.ssh/known_hosts")
    python: OneLine = Field(default="python3", min_length=1, description="interpreter on the nodes that has the engine")
    folder: OneLine = Field(default=".cache/assay/servers", description="on the node; relative to the home folder")
    tunnel: bool = Field(default=False, description="send load through the SSH connection; adds delay, is reported")
    connect_timeout_s: Seconds = Field(default=10, description="longest wait for a connection")
    keepalive_s: float = Field(
        default=2.5,
        gt=0,
        le=3,
        description="a link is lost after three of these without a word; the run knows 1 s later",
    )


class DockerOptions(_NamedNodes):
    """Containers, on this machine or on hosts whose docker socket SSH forwards."""

    launcher: Literal["docker"]
    nodes: tuple[SshNode, ...] = Field(default=(SshNode(name="local"),), min_length=1)
    image: Word = Field(description="container image of the servers")
    ssh: bool = Field(default=False, description="reach each node's docker socket over SSH")
    socket: OneLine = Field(default="/var/run/docker.sock", description="path on the node")
    volumes: dict[OneLine, OneLine] = Field(
        default_factory=dict, description="path on the node: path in the container[:ro]"
    )
    shm_size: str = Field(default="8g", pattern=r"^\d+[bkmgtBKMGT]?[bB]?$", description="shared memory of a container")
    runtime: Word | None = Field(default=None, description="container runtime; default: the daemon's")
    network: Literal["host", "bridge"] = Field(
        default="host", description="host: a free port of the node; bridge: port 8000, published"
    )
    pull: bool = Field(default=False, description="pull the image where a node doesn't have it")
    python: OneLine = Field(default="python3", min_length=1, description="interpreter within the image")
    user: Word | None = Field(default=None, description="ssh: default: ssh_config's, else yours")
    key_file: LocalFile | None = Field(
        default=None, description="ssh: private key; default: ssh_config, the agent, ~/.ssh"
    )
    config_file: LocalFile | None = Field(default=None, description="ssh: default: ~/.ssh/config where there is one")
    known_hosts: LocalFile | None = Field(
        default=None, description="ssh: default: ssh_config's, else ~/.ssh/known_hosts"
    )
    connect_timeout_s: Seconds = Field(default=10, description="ssh: longest wait for a connection")
    keepalive_s: float = Field(
        default=2.5, gt=0, le=3, description="ssh: a link is lost after three of these without a word"
    )

    @property
    def on_this_machine(self) -> bool:
        return not self.ssh


class SlurmOptions(_GroupedNodes):
    """One Slurm job a server, or an array of them. Names of nodes in results are the host names that Slurm gave."""

    launcher: Literal["slurm"]
    nodes: tuple[NodeOptions, ...] = Field(min_length=1)
    pin: bool = Field(default=True, description="ask for the nodes by name; false: any that fit, in arrays of jobs")
    partition: Word | None = Field(default=None, description="as sbatch takes it; default: the site's")
    account: Word | None = Field(default=None, description="as sbatch takes it")
    qos: Word | None = Field(default=None, description="as sbatch takes it")
    constraint: Word | None = Field(default=None, description="features of nodes, as sbatch takes them")
    gres: Word = Field(default="gpu", description="the generic resource that counts accelerators")
    time_limit: str = Field(
        default="02:00:00", pattern=r"^(\d+-)?\d{1,2}(:\d{2}){0,2}$|^\d+$", description="of a job, as sbatch takes it"
    )
    cpus_per_task: Several | None = Field(default=None, description="CPUs of a job; default: the site's")
    memory: str | None = Field(
        default=None,
        pattern=r"^\d+[KMGT]?$",
        description="of a job, as sbatch takes it, such as 64G; default: the site's",
    )
    exclusive: bool = Field(default=False, description="true: share the nodes with no other job")
    extra: tuple[OneLine, ...] = Field(default=(), description="more sbatch options, such as --reservation=x")
    folder: OneLine = Field(
        pattern=r"^[^\"'\\%]+$", description="on a file system that the nodes and this machine share"
    )
    python: OneLine = Field(default="python3", min_length=1, description="interpreter on the nodes that has the engine")
    setup: tuple[str, ...] = Field(default=(), description="lines of bash before the server, such as module load")
    queue_timeout_s: Seconds = Field(default=3600, description="how long a job may wait for its turn")
    port_base: int = Field(default=18000, ge=1024, le=65000, description="the first port that a server tries")

    @field_validator("extra")
    @classmethod
    def _long(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for option in value:
            if not re.fullmatch(r"--[a-z][a-z-]*(=[^\n]*)?", option):
                raise ValueError(f"{option!r}: write sbatch options in their long form, --name=value")
        return value


# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and …/labels/
_DNS_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
_FOLDER = r"^/[^\x00-\x1f\x7f:]*$"
LabelKey = Annotated[
    str, Field(pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")
]
LabelValue = Annotated[str, Field(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")]
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
Quantity = Annotated[str, Field(pattern=r"^\d+(\.\d+)?(m|[kMGTPE]|[KMGTPE]i)?$")]


class ModelVolume(Options):
    """Where pods find the model: a claim, or a folder of the node."""

    mount: str = Field(default="/models", pattern=_FOLDER, description="where pods see it")
    claim: str | None = Field(default=None, pattern=_DNS_NAME, description="name of a PersistentVolumeClaim")
    host_path: str | None = Field(default=None, pattern=_FOLDER, description="a folder of the node")

    @model_validator(mode="after")
    def _one(self) -> ModelVolume:
        if (self.claim is None) == (self.host_path is None):
            raise ValueError("model_volume: give either claim or host_path")
        return self


class Toleration(Options):
    key: LabelKey | None = Field(default=None, description="of the taint; default: every taint")
    operator: Literal["Exists", "Equal"] = Field(
        default="Exists", description="Exists: whatever the taint's value; Equal: this value"
    )
    value: LabelValue | None = Field(default=None, description="of the taint, for Equal")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="of the taint; default: every effect"
    )


class KubernetesOptions(ClusterSection):
    """A StatefulSet and a headless Service; one pod a replica, on different nodes."""

    launcher: Literal["kubernetes"]
    replicas: Several = Field(default=1, description="servers")
    accelerators: int = Field(default=0, ge=0, le=MOST_ACCELERATORS, description="of each pod")
    accelerator_resource: LabelKey = Field(
        default="nvidia.com/gpu", description="what a device plugin calls its accelerators"
    )
    image: Word = Field(description="container image of the servers")
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="as Kubernetes takes it"
    )
    image_pull_secrets: tuple[Annotated[str, Field(pattern=_DNS_NAME)], ...] = Field(
        default=(), description="names of Secrets for the image's registry"
    )
    namespace: str = Field(
        default="default",
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="where everything is made; it must be there",
    )
    context: OneLine | None = Field(default=None, description="of the kubeconfig; default: its current one")
    kubeconfig: OneLine | None = Field(
        default=None, description="default: $KUBECONFIG, ~/.kube/config, the pod's account"
    )
    node_selector: dict[LabelKey, LabelValue] = Field(default_factory=dict, description="labels that nodes must carry")
    tolerations: tuple[Toleration, ...] = ()
    spread: bool = Field(default=True, description="no two pods on one node")
    cpu: Quantity | None = Field(
        default=None, description="CPUs of a pod, as Kubernetes writes them; default: none asked for"
    )
    memory: Quantity | None = Field(
        default=None, description="of a pod, as Kubernetes writes it; default: none asked for"
    )
    shm_size: Quantity = Field(default="8Gi", description="shared memory of a pod")
    model_volume: ModelVolume | None = None
    port: int = Field(default=8000, ge=1, le=65535, description="that servers listen on")
    reach: Literal["auto", "pod", "nodeport"] = Field(default="auto", description="the address that load is sent to")
    python: OneLine = Field(default="python3", min_length=1, description="interpreter within the image")
    pods_per_server: int = Field(
        default=1, ge=1, le=64, description="more than 1: LeaderWorkerSet, one model over several pods"
    )
    cost_per_hour: Price | None = Field(default=None, description="of each server's pods together")

    def node_list(self) -> tuple[NodeOptions, ...]:
        """pod-0, pod-1, …: Kubernetes chooses the nodes."""
        indices = tuple(range(self.accelerators * self.pods_per_server))
        return tuple(
            NodeOptions(name=f"pod-{number}", accelerators=indices, cost_per_hour=self.cost_per_hour)
            for number in range(self.replicas)
        )

    @property
    def group_size(self) -> int:
        return self.pods_per_server

    def only(self, names: Collection[str]) -> Self:
        raise LaunchError("Kubernetes chooses the nodes itself, so single ones can't be left out")


class TorchxOptions(_NamedNodes):
    """Any TorchX scheduler. Servers must be reachable at the host names that it reports."""

    launcher: Literal["torchx"]
    nodes: tuple[NodeOptions, ...] = Field(min_length=1)
    scheduler: Word = Field(description="as TorchX names it")
    scheduler_args: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="the scheduler's own options"
    )
    image: MaybeWord = Field(default="", description="as the scheduler takes it: a container image, or a folder")
    python: OneLine = Field(default="python3", min_length=1, description="interpreter that has the engine")
    cpu: Several = Field(default=1, description="CPUs of a server")
    memory_mb: Count = Field(default=4096, description="memory of a server, MB")
    port_base: int = Field(default=18000, ge=1024, le=65000, description="the first server's port; others count up")

    @property
    def on_this_machine(self) -> bool:
        return self.scheduler.startswith("local")

    def accelerators_here(self) -> dict[int, str]:
        return _by_accelerator(self.nodes) if self.on_this_machine else {}


ClusterOptions = Annotated[
    LocalOptions | SshOptions | DockerOptions | SlurmOptions | KubernetesOptions | TorchxOptions,
    Field(discriminator="launcher"),
]
