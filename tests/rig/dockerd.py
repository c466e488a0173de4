"""A real dockerd inside a host of the rig."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from tests.rig import image
from tests.rig.hosts import PODS, Hosts

# overlay2 can't lie on an overlay, so the data lie in a tmpfs of the host.
START = """
mount --make-rshared /
mkdir -p /var/lib/docker; mount -t tmpfs tmpfs /var/lib/docker
update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null 2>&1
setsid nohup dockerd -H unix:///var/run/docker.sock --storage-driver overlay2 \
  --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent /assay-rig/{name} --bip {network}.1/24 \
  --add-runtime rig={wrap} --default-runtime rig \
  >/var/log/dockerd.log 2>&1 </dev/null &
"""
STOP = """
c=$(docker ps -aq); [ -z "$c" ] || docker rm -f $c
kill $(cat /var/run/docker.pid); for i in $(seq 75); do [ -e /var/run/docker.pid ] || break; sleep .2; done
for m in $(awk '$2 ~ "^/(var/lib|run|var/run)/docker" {print $2}' /proc/mounts | sort -r); do umount -l $m; done
ip link del docker0
"""
# Without CAP_SYS_RESOURCE the kernel refuses to lower oom_score_adj, and runc dies on the negative values that
# kubelet asks for: set those to 0 in the bundle, then run the real runc.
WRAP = """#!/bin/bash
b=.; a=("$@")
for ((i = 0; i < $#; i++)); do case ${a[i]} in --bundle|-b) b=${a[i+1]};; esac; done
[ -f "$b/config.json" ] && sed -i -E 's/"oomScoreAdj":-[0-9]+/"oomScoreAdj":0/' "$b/config.json"
exec runc "$@"
"""


def why_not() -> str | None:
    missing = [tool for tool in ("dockerd", "docker", "runc") if shutil.which(tool) is None]
    return f"missing: {', '.join(missing)} (see tests/rig/apt-packages.txt)" if missing else None


def up(hosts: Hosts, number: int) -> None:
    """Start a dockerd in a host and load the image."""
    archive = image.build(hosts.folder / "image.tar")
    wrap: Path = hosts.folder / "runc-wrap"
    wrap.write_text(WRAP)
    wrap.chmod(0o755)
    if hosts.run(number, "docker", "version", "--format", "{{.Server.Version}}", check=False).strip():
        raise RuntimeError(f"node{number} has a dockerd already")
    start = START.format(name=f"node{number}", network=f"{PODS}.{number}", wrap=wrap)
    hosts.run(number, "bash", "-c", start)
    deadline = time.monotonic() + 30
    while "Version" not in hosts.run(number, "docker", "version", check=False):
        if time.monotonic() > deadline:
            raise RuntimeError(hosts.run(number, "tail", "-5", "/var/log/dockerd.log"))
        time.sleep(0.2)
    settings = ["--change", "ENV PYTHONPATH=/opt/site", "--change", "ENV PATH=/usr/bin:/bin"]
    hosts.run(number, "docker", "import", *settings, str(archive), image.NAME)


def down(hosts: Hosts, number: int) -> None:
    hosts.run(number, "bash", "-c", STOP, check=False)
