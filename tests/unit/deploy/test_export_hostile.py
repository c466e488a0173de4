"""Whatever strings a configuration holds, an export stays what it is: one script, the objects that were meant.

Every field that holds text gets hostile ones. Each is refused, or the script is run for real: in a folder of its own,
with stand-ins for the programs that it calls, and a canary that appears only where a string became code.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.cluster.kubernetes.manifests import manifests
from assay.cluster.options import DockerOptions, KubernetesOptions, SlurmOptions, SshNode, SshOptions, TorchxOptions
from assay.config import Config, config_of, dump_config, load_config
from assay.deploy.export import export_files, job_files, write_files
from assay.engines import build_engine
from assay.engines.options import VllmOptions
from assay.errors import UserError
from assay.safe_yaml import parse_yaml
from assay.serving.servers import fill

ENGINE: dict[str, Any] = {
    "kind": "vllm", "env": {"A": "value"}, "pass_env": ["TOKEN"], "port": 18000, "image": "vllm:1",
    "ready_timeout_s": 60, "model": "/models/m", "served_model_name": "m", "tensor_parallel": 1,
    "pipeline_parallel": 1, "data_parallel": 1, "dtype": "auto", "quantization": "fp8", "kv_cache_dtype": "auto",
    "load_format": "auto", "max_num_seqs": 8, "max_num_batched_tokens": 64, "max_model_len": 64,
    "gpu_memory_utilization": 0.5, "chunked_prefill": True, "stream_interval": 1,
    "prefix_caching": False, "enforce_eager": False, "python": "python3", "window": 8,
    "extra_args": ["--seed=1", "two words"],
}  # fmt: skip
SLURM: dict[str, Any] = {
    "launcher": "slurm", "nodes": [{"name": "a"}], "pin": True, "partition": "gpu", "account": "lab", "qos": "high",
    "constraint": "h100&nvlink", "gres": "gpu", "time_limit": "1:00:00", "cpus_per_task": 8, "memory": "64G",
    "exclusive": True, "extra": ["--reservation=night"], "folder": "/shared", "python": "python3", "setup": [],
    "queue_timeout_s": 60, "port_base": 18000, "nodes_per_server": 1,
}  # fmt: skip
PODS: dict[str, Any] = {
    "launcher": "kubernetes", "replicas": 1, "accelerators": 1, "accelerator_resource": "nvidia.com/gpu", "image": "i",
    "image_pull_policy": "Always", "image_pull_secrets": ["registry"], "namespace": "bench", "context": "site",
    "kubeconfig": "/k/config", "node_selector": {"gpu": "h100"}, "spread": True, "cpu": "8", "memory": "8Gi",
    "tolerations": [{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}], "shm_size": "8Gi",
    "model_volume": {"mount": "/models", "host_path": "/models"}, "port": 8000, "reach": "auto", "python": "python3",
    "pods_per_server": 1, "cost_per_hour": 2.5,
}  # fmt: skip
NODE: dict[str, Any] = {
    "name": "a", "accelerators": 0, "servers": 1, "address": "a.site", "user": "me", "port": 22, "jump": "j.site",
    "load_address": "10.0.0.1", "bind": "10.0.0.1", "python": "python3",
    "cost_per_hour": 2.5,
}  # fmt: skip
SSH: dict[str, Any] = {
    "launcher": "ssh", "nodes": [NODE], "user": "me", "key_file": "/k/id", "config_file": "/k/ssh_config",
    "known_hosts": "/k/known hosts", "python": "python3", "folder": "servers", "tunnel": False,
    "connect_timeout_s": 9, "keepalive_s": 2, "nodes_per_server": 1,
}  # fmt: skip
DOCKER: dict[str, Any] = {
    "launcher": "docker", "nodes": [NODE], "image": "i", "ssh": True, "socket": "/var/run/docker.sock",
    "volumes": {"/a": "/b"}, "shm_size": "8g", "runtime": "runc", "network": "host", "pull": False,
    "python": "python3", "user": "me", "key_file": "/k/id", "config_file": "/k/ssh_config", "known_hosts": "/k/known",
    "connect_timeout_s": 9, "keepalive_s": 2,
}  # fmt: skip
TORCHX: dict[str, Any] = {
    "launcher": "torchx", "nodes": [{"name": "a"}], "scheduler": "slurm", "scheduler_args": {"a": "b"}, "image": "i",
    "python": "python3", "cpu": 1, "memory_mb": 64, "port_base": 18000,
}  # fmt: skip
CLUSTERS = {"slurm": SLURM, "k8s": PODS, "ssh": SSH, "docker": DOCKER, "torchx": TORCHX}
# What is named is chosen from a list, or is code by its own right: `setup` holds lines of bash.
FIXED = {"kind", "launcher", "image_pull_policy", "operator", "effect", "reach", "network", "setup"}

CANARY = "canary"
_CODE = f": >{CANARY}"  # needs no program, so no PATH keeps it from working
NASTY = [
    f"\n{_CODE}\n", f"\r{_CODE}\r", f"x\r\n{_CODE}", f"; {_CODE};", f"$({_CODE})", f"`{_CODE}`", f"' ; {_CODE} ; '",
    f"\" ; {_CODE} ; \"", f"'\"'; {_CODE}; '\"'", f"\\' ; {_CODE} ; #", f"| {_CODE}", f"&& {_CODE} &", f"x\\\n{_CODE}",
    f"x\n#SBATCH --wrap='{_CODE}'", f'" --wrap="{_CODE}', f"x # {_CODE}", f"\u2028{_CODE}", f"\x85{_CODE}",
    f"\x0b{_CODE}", "${PATH}", "$PATH", "--wrap", "-", "", " ", "\\", "'", '"', "\x00", "\x1b[2J", "{port}", "{host}",
    f"{{port}}'; {_CODE}; '", "$(LWS_GROUP_SIZE)", "../../x", "~", "*", "é", "a: b", "- a", "---", "...", "# c",
    "!!python/object:os.system", "&a", "*a", "%YAML 1.1", "{", "[", "? ", "null", "yes", "1e3", "0x1", "2026-01-01",
]  # fmt: skip
hostile = (
    st.sampled_from(NASTY) | st.text(max_size=24) | st.tuples(st.sampled_from(NASTY), st.text(max_size=8)).map("".join)
)
thorough = settings(
    derandomize=True,
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Place = tuple[str | int, ...]


def texts(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where the texts of a section stand; a name of a mapping's own choosing ends with `KEY`."""
    if isinstance(value, str):
        yield place
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from texts(inner, (*place, number))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in FIXED:
                yield from texts(inner, (*place, key))
                if place and place[-1] in ("env", "node_selector", "volumes", "scheduler_args"):
                    yield (*place, key, KEY)


KEY = "(its own name)"


def replaced(section: dict[str, Any], place: Place, text: str) -> dict[str, Any]:
    """The section with another text in that place."""
    made = copy.deepcopy(section)
    inner: Any = made
    *way, last = place[:-1] if place[-1] == KEY else place
    for part in way:
        inner = inner[part]
    if place[-1] == KEY:
        inner[text] = inner.pop(last)
    else:
        inner[last] = text
    return made


def changes(cluster: str) -> st.SearchStrategy[tuple[Place, str]]:
    sections = {"engine": ENGINE, "cluster": CLUSTERS[cluster]}
    return st.tuples(st.sampled_from(list(texts(sections))), hostile)


def taken(cluster: str, change: tuple[Place, str]) -> Config | None:
    """The configuration with a hostile text, or None where it is refused."""
    sections = replaced({"engine": ENGINE, "cluster": CLUSTERS[cluster]}, *change)
    try:
        return config_of(sections, "here")
    except UserError as error:
        refusal = str(error)
    assert all(line.startswith("here: ") for line in refusal.split("\n"))  # a string begins no line of a message either
    return None


@pytest.mark.parametrize(
    ("section", "model"),
    [
        (ENGINE, VllmOptions), (SLURM, SlurmOptions), (PODS, KubernetesOptions), (SSH, SshOptions), (NODE, SshNode),
        (DOCKER, DockerOptions), (TORCHX, TorchxOptions),
    ],
)  # fmt: skip
def test_every_field_is_among_those_tried(section: dict[str, Any], model: Any) -> None:
    assert set(section) == set(model.model_fields)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_sections_themselves_are_taken(cluster: str) -> None:
    assert config_of({"engine": ENGINE, "cluster": CLUSTERS[cluster]}, "here")


class Sandbox:
    """A folder to run a script in, with stand-ins for programs that write down how they were called."""

    def __init__(self, folder: Path, programs: tuple[str, ...]) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.calls = folder / "calls"
        (folder / "bin").mkdir(parents=True)
        for name in programs:
            stub = folder / "bin" / name
            # Each call: how many arguments, the name, the arguments, a variable; a null byte after each.
            stub.write_text(f'#!/bin/bash\nprintf "%s\\0" $# "{name}" "$@" "A=${{A-}}" >>"{self.calls}"\n')
            stub.chmod(0o755)
        for name in ("mv", "dirname"):
            (folder / "bin" / name).symlink_to(shutil.which(name) or "")

    def run(self, script: str, *arguments: str) -> list[list[str]]:
        """The calls that a script made. The canary must not appear, nor anything that bash can't read."""
        self.calls.unlink(missing_ok=True)
        self.work.mkdir(exist_ok=True)
        path = self.folder / "script.sh"
        path.write_text(script, encoding="utf-8")
        environment = {"PATH": str(self.folder / "bin"), "SLURMD_NODENAME": "a"}
        checked = subprocess.run(["/bin/bash", "-n", str(path)], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")
        subprocess.run(
            ["/bin/bash", str(path), *arguments],
            cwd=self.work,
            env=environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert not list(self.folder.rglob(f"{CANARY}*"))
        told = self.calls.read_bytes().decode().split("\0")[:-1] if self.calls.exists() else []
        calls = []
        while told:
            end = int(told[0]) + 3
            calls.append(told[1:end])
            told = told[end:]
        return calls


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    programs = ("python3", "hostname", "ssh", "docker", "kubectl", "torchx", "squeue", "nvidia-smi", "date", "assay")
    return Sandbox(tmp_path_factory.mktemp("sandbox"), programs)


def test_the_canary_sings(sandbox: Sandbox) -> None:
    """A string that does become code is found out."""
    for text in (f"true\n{_CODE}\n", f'echo "$({_CODE})"\n'):
        with pytest.raises(AssertionError):
            sandbox.run(text)
        (sandbox.work / CANARY).unlink()


PLACES = list(texts({"engine": ENGINE, "cluster": SLURM}))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_slurm_script_stays_one_script_in_each_field(sandbox: Sandbox, place: Place) -> None:
    for text in NASTY:
        if CANARY in text:
            look_at_slurm_script(sandbox, (place, text))


@thorough
@given(change=changes("slurm"))
def test_a_slurm_script_stays_one_script(sandbox: Sandbox, change: tuple[Place, str]) -> None:
    look_at_slurm_script(sandbox, change)


def look_at_slurm_script(sandbox: Sandbox, change: tuple[Place, str]) -> None:
    config = taken("slurm", change)
    if config is None:
        return
    shared = sandbox.folder / "shared"
    (shared / "export").mkdir(parents=True, exist_ok=True)
    cluster = config.cluster
    assert isinstance(cluster, SlurmOptions)
    if cluster.folder == "/shared":  # as it stands, unless it is the field that is tried
        cluster = cluster.model_copy(update={"folder": str(shared)})
    try:
        files = export_files("slurm", config.engine, cluster, dump_config(config), config.output)
    except UserError:
        return  # what doesn't fit together is told
    (name,) = [name for name in files if name.endswith(".sh")]
    script = files[name]
    head = script.split("\nset -eu\n")[0].split("\n")
    assert head[0] == "#!/bin/bash"
    assert all(line.startswith("#SBATCH --") for line in head[1:])
    assert len(head) == 17  # as many as without anything hostile
    calls = sandbox.run(script)
    if cluster.folder != str(shared) or cluster.python != "python3":
        return  # there is no such folder, or no such program
    (call,) = calls
    (spec,) = build_engine(config.engine).servers(cluster.node_list())
    meant = fill(spec.argv, python="python3", host="0.0.0.0", port=18000)
    guard = [f"{shared}/export/guard.py", "--status", f"{shared}/export/{spec.name}.exit"]
    assert call == ["python3", "-I", "-S", *guard, "--", *meant, f"A={spec.env.get('A', '')}"]


@thorough
@given(change=changes("k8s"))
def test_manifests_read_back_as_they_were_meant(change: tuple[Place, str]) -> None:
    config = taken("k8s", change)
    if config is None:
        return
    assert isinstance(config.cluster, KubernetesOptions)
    specs = build_engine(config.engine).servers(config.cluster.node_list())
    files = export_files("k8s", config.engine, config.cluster, "", config.output)
    text = files["assay-servers.yaml"]
    assert list(yaml.safe_load_all(text)) == manifests(specs, config.cluster, "export")
    assert text.count("\n#") == 0  # one comment, above everything
    assert parse_yaml(files["assay-role.yaml"], "role").data["metadata"]["namespace"] == config.cluster.namespace
    held = yaml.safe_load(job_files(config, "image")["assay-config.yaml"])["data"]["assay.yaml"]
    cluster = config.cluster.model_copy(update={"kubeconfig": None, "context": None})
    assert (
        config_of(parse_yaml(held, "inside").data, "").model_dump()
        == config.model_copy(update={"cluster": cluster, "output": Path("/results")}).model_dump()
    )


@pytest.mark.parametrize("cluster", CLUSTERS)
@settings(thorough, max_examples=40)
@given(data=st.data())
def test_plain_scripts_and_their_configuration(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, cluster: str, data: st.DataObject
) -> None:
    change = data.draw(changes(cluster))
    config = taken(cluster, change)
    if config is None:
        return
    folder = tmp_path_factory.mktemp("scripts")
    write_files(export_files("scripts", config.engine, config.cluster, dump_config(config), config.output), folder)
    assert load_config(folder / "assay.yaml") == config
    calls = sandbox.run((folder / "monitor_benchmarks.sh").read_text(encoding="utf-8"), "once")
    usual = export_files(
        "scripts", config.engine, config_of({"cluster": CLUSTERS[cluster]}, "").cluster, "", config.output
    )
    assert [call[0] for call in calls] == [call[0] for call in sandbox.run(usual["monitor_benchmarks.sh"], "once")]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck")
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_shellcheck_finds_no_error(cluster: str) -> None:
    """Nor anything that is no matter of taste; what is exported for Slurm holds words of the engine as they are."""
    config = config_of({"engine": {**ENGINE, "model": 'it\'s $(a) "b"'}, "cluster": CLUSTERS[cluster]}, "here")
    kinds: list[Any] = ["scripts", *(["slurm"] if cluster == "slurm" else [])]
    for kind in kinds:
        for name, text in export_files(kind, config.engine, config.cluster, "", config.output).items():
            if name.endswith(".sh"):
                severity = "style" if kind == "scripts" else "error"
                command = ["shellcheck", "--shell=bash", f"--severity={severity}", "-"]
                subprocess.run(command, input=text, text=True, check=True)
