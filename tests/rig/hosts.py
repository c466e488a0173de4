"""Hosts on one machine: each has its own network, process, mount and host-name space, disk, sshd and host key."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TINY = Path(__file__).with_name("tiny_server.py")
PAIRED = Path(__file__).with_name("paired_server.py")
PREFIX = "asrig"
BRIDGE = f"{PREFIX}br0"
NETWORK = "198.51.100"  # TEST-NET-2; the controller is .1, host i is .(10+i)
PODS = "198.18"  # of the range for benchmarks: host i has 198.18.i.0/24
TOOLS = ("ip", "nsenter", "unshare", "ssh", "ssh-keygen")


def why_not() -> str | None:
    """Why hosts can't be made here; None where they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "hosts in network namespaces need root on Linux"
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"missing: {', '.join(missing)} (see tests/rig/apt-packages.txt)"
    if not Path("/usr/sbin/sshd").exists():
        return "missing: openssh-server (see tests/rig/apt-packages.txt)"
    if Path(f"/sys/class/net/{BRIDGE}").exists():
        return f"{BRIDGE} is up: another rig runs, or was killed (python -m tests.rig.hosts clean)"
    for network in (f"{NETWORK}.0/24", f"{PODS}.0.0/15"):
        if call("ip", "-4", "route", "show", "root", network).strip():
            return f"{network} is already routed here"
    return None


def call(*argv: str, timeout_s: float = 60, check: bool = True) -> str:
    """A command's output; raises RuntimeError with it when the command fails."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    return done.stdout


class Hosts:
    """`count` hosts named node1, node2, …; `folder` holds keys, configuration and what they share."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.count = count
        self.shared = folder / "shared"
        self.key = folder / "id"
        self.known_hosts = folder / "known_hosts"
        self.ssh_config = folder / "ssh_config"
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def numbers(self) -> range:
        return range(1, self.count + 1)

    def address(self, number: int) -> str:
        return f"{NETWORK}.{10 + number}"

    def up(self) -> None:
        self.shared.mkdir(parents=True, exist_ok=True)
        self._keys()
        call("ip", "link", "add", BRIDGE, "type", "bridge")
        call("ip", "addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        call("ip", "link", "set", BRIDGE, "up")
        for number in self.numbers:
            self.boot(number)

    def _keys(self) -> None:
        call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key), "-C", "rig")
        names = ["127.0.0.1 localhost", f"{NETWORK}.1 controller"]
        known, config = [], []
        for number in self.numbers:
            name, address = f"node{number}", self.address(number)
            host_key = self.folder / f"hostkey-{name}"
            call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host_key), "-C", name)
            kind, text = host_key.with_suffix(".pub").read_text().split()[:2]
            names.append(f"{address} {name}")
            known.append(f"{name},{address} {kind} {text}")
            config.append(f"Host {name}\n  HostName {address}\n  HostKeyAlias {name}")
        rest = f"Host *\n  User root\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
        rest += f"  UserKnownHostsFile {self.known_hosts}\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
        (self.folder / "hosts").write_text("\n".join(names) + "\n")
        self.known_hosts.write_text("\n".join(known) + "\n")
        self.ssh_config.write_text("\n".join(config) + "\n" + rest)

    def boot(self, number: int) -> None:
        """Start a host with a fresh disk and wait for its sshd."""
        namespace, name = f"{PREFIX}n{number}", f"node{number}"
        if not Path(f"/run/netns/{namespace}").exists():
            call("ip", "netns", "add", namespace)
            call("ip", "link", "add", f"{PREFIX}v{number}", "type", "veth", "peer", "name", "eth0", "netns", namespace)
            call("ip", "link", "set", f"{PREFIX}v{number}", "master", BRIDGE, "up")
            call("ip", "-n", namespace, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
            call("ip", "-n", namespace, "link", "set", "eth0", "up")
            call("ip", "-n", namespace, "link", "set", "lo", "up")
        binds = "\n".join(dict.fromkeys(map(str, (self.folder, REPOSITORY, sys.prefix, sys.base_prefix))))
        environment = {**os.environ, "NAME": name, "STATE": str(self.folder), "BINDS": binds}
        spaces = ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        script = str(REPOSITORY / "tests/rig/host_init.sh")
        command = ["nsenter", f"--net=/run/netns/{namespace}", "unshare", *spaces, "bash", script]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[number] = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_for_port(self.address(number), 22, what=f"sshd of {name}, see {self.folder / name}.log")

    def kill(self, number: int) -> None:
        """Power off: kill -9 of everything in the host. The kernel still closes its connections; `cut` first."""
        process = self._processes.pop(number, None)
        if process is None:
            return
        process.send_signal(signal.SIGKILL)
        process.wait()
        for _ in range(100):
            if not call("ip", "netns", "pids", f"{PREFIX}n{number}", check=False).strip():
                return
            time.sleep(0.05)

    def cut(self, number: int) -> None:
        """A silent loss of the network."""
        call("ip", "link", "set", f"{PREFIX}v{number}", "down")

    def heal(self, number: int) -> None:
        call("ip", "link", "set", f"{PREFIX}v{number}", "up")

    def run(self, number: int, *argv: str, timeout_s: float = 60, check: bool = True) -> str:
        """A command on a host, by plain ssh."""
        import shlex

        return call(
            "ssh", "-F", str(self.ssh_config), f"node{number}", shlex.join(argv), timeout_s=timeout_s, check=check
        )

    def processes(self, number: int) -> list[str]:
        """The command lines of what runs on a host, without the host's own and those of ssh."""
        lines = self.run(number, "ps", "-eo", "args=").splitlines()
        own = ("/bin/bash -c /usr/sbin/sshd", "/usr/sbin/sshd -D", "sshd:", "ps -eo", "sleep 0.2")
        return [line for line in lines if not line.startswith(own)]

    def down(self) -> None:
        for number in list(self._processes):
            self.kill(number)
        clean()


@contextmanager
def running(folder: Path, count: int = 3) -> Iterator[Hosts]:
    """Hosts for the length of a fixture, which skips where they can't be made."""
    if reason := why_not():
        pytest.skip(reason)
    made = Hosts(folder, count)
    try:
        made.up()
        yield made
    finally:
        made.down()


def clean() -> None:
    """Remove what a rig leaves in the kernel."""
    for line in call("ip", "netns").splitlines():
        namespace = line.split()[0] if line else ""
        if namespace.startswith(f"{PREFIX}n"):
            for pid in call("ip", "netns", "pids", namespace).split():
                os.kill(int(pid), signal.SIGKILL)
            call("ip", "link", "del", f"{PREFIX}v{namespace.removeprefix(f'{PREFIX}n')}", check=False)
            call("ip", "netns", "del", namespace)
    for line in call("ip", "-4", "route", "show", "root", f"{PODS}.0.0/15").splitlines():
        if BRIDGE in line or line.startswith("unreachable"):
            call("ip", "route", "del", *line.split()[: 2 if line.startswith("unreachable") else 1], check=False)
    call("ip", "link", "del", BRIDGE, check=False)
    for group in [*Path("/sys/fs/cgroup").glob("*/assay-rig"), Path("/sys/fs/cgroup/assay-rig")]:
        call("find", str(group), "-depth", "-type", "d", "-exec", "rmdir", "{}", "+", check=False)


def wait_for_port(host: str, port: int, timeout_s: float = 20, what: str = "") -> None:
    """Return when something listens there."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{host}:{port} does not answer: {what}") from None
            time.sleep(0.05)
        else:
            return


def leftovers(hosts: Hosts, number: int) -> list[str]:
    """What assay started on a host and runs there now: servers and their guards, agents, probes."""
    words = ("guard.py", "tiny_server", "paired_server", "assay.engines", "assay.simulator", "--every", "exec(program)")
    return [line for line in hosts.processes(number) if any(word in line for word in words)]


def gone(hosts: Hosts, number: int) -> bool:
    """Whether nothing of that is left, once what has lost its reader has had time to find out."""
    deadline = time.monotonic() + 20
    while leftovers(hosts, number) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not leftovers(hosts, number)


if __name__ == "__main__" and sys.argv[1:] == ["clean"]:
    clean()
