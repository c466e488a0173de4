"""A real Kubernetes 1.20 over hosts of the rig: node1 is the control plane, node2 and node3 are workers.

Its binaries (kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet and a static `pause`) are
taken from the folder or .tar.xz archive that ASSAY_K8S_BIN names, else from a lab beside the repository.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.rig import dockerd, image
from tests.rig.hosts import BRIDGE, NETWORK, PODS, REPOSITORY, Hosts, call, wait_for_port

BINARIES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "pause")
WORKERS = (2, 3)
USERS = "admintoken,admin,1,system:masters\nbenchtoken,bench,2\n" + "".join(
    f"n{number}token,system:node:node{number},1{number},system:nodes\n" for number in WORKERS
)
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: rig, cluster: {{server: "https://{api}:6443", certificate-authority: {folder}/ca.crt}}}}]
users: [{{name: u, user: {{token: {token}}}}}]
contexts: [{{name: rig, context: {{cluster: rig, user: u}}}}]
current-context: rig
"""
CERTIFICATES = """
set -e; cd {folder}
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 9 -subj /CN=rig-ca 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout api.key -out api.csr -subj /CN=kube-apiserver 2>/dev/null
echo 'subjectAltName=DNS:node1,DNS:kubernetes.default.svc,IP:{api},IP:127.0.0.1,IP:{pods}.100.1' > ext
echo 'extendedKeyUsage=serverAuth,clientAuth' >> ext
openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out api.crt -days 9 -extfile ext 2>/dev/null
openssl genrsa -out sa.key 2048 2>/dev/null; openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
"""
RUN = """
run() { local n=$1; shift; setsid nohup "$@" >/var/log/$n.log 2>&1 </dev/null & echo $! > /run/rig-$n.pid; }
"""
HEAD = """
B={bin} K={folder}
mkdir -p /var/lib/etcd-rig
run etcd etcd --data-dir /var/lib/etcd-rig --listen-client-urls http://127.0.0.1:2379 \
  --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
run kube-apiserver $B/kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 \
  --advertise-address={api} --secure-port=6443 --tls-cert-file=$K/api.crt --tls-private-key-file=$K/api.key \
  --client-ca-file=$K/ca.crt --token-auth-file=$K/tokens.csv --authorization-mode=Node,RBAC \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=$K/sa.pub \
  --service-account-signing-key-file=$K/sa.key --service-cluster-ip-range={pods}.100.0/24 \
  --kubelet-preferred-address-types=InternalIP --kubelet-client-certificate=$K/api.crt \
  --kubelet-client-key=$K/api.key --allow-privileged=true
for t in $(seq 200); do curl -sk --noproxy '*' https://127.0.0.1:6443/readyz | grep -q ok && break; sleep .2; done
run kube-controller-manager $B/kube-controller-manager --kubeconfig=$K/admin.kubeconfig \
  --service-account-private-key-file=$K/sa.key --root-ca-file=$K/ca.crt --use-service-account-credentials=false \
  --leader-elect=false --node-monitor-grace-period=16s --pod-eviction-timeout=10s \
  --controllers='*,-nodeipam,-route,-cloud-node-lifecycle'
run kube-scheduler $B/kube-scheduler --kubeconfig=$K/admin.kubeconfig --leader-elect=false
"""
# cgroups-per-qos and node-allocatable want cgroup rights that nested hosts lack.
WORKER = """
B={bin} K={folder} N={name}
mkdir -p /var/lib/kubelet; mount -t tmpfs tmpfs /var/lib/kubelet; mount --make-rshared /var/lib/kubelet
tar -C $B -c pause | docker import --change 'ENTRYPOINT ["/pause"]' - rig/pause:1 >/dev/null
{routes}
sysctl -qw net.ipv4.ip_forward=1; iptables -P FORWARD ACCEPT
run kubelet $B/kubelet --kubeconfig=$K/$N.kubeconfig --hostname-override=$N --node-ip={address} \
  --pod-infra-container-image=rig/pause:1 --cgroups-per-qos=false --enforce-node-allocatable= \
  --cgroup-driver=cgroupfs --fail-swap-on=false --root-dir=/var/lib/kubelet --cluster-dns={pods}.100.10 \
  --resolv-conf= --client-ca-file=$K/ca.crt --authorization-mode=AlwaysAllow --anonymous-auth=false \
  --node-status-update-frequency=4s --image-gc-high-threshold=100 --eviction-hard= --read-only-port=0 \
  --register-node=true --runtime-cgroups=/ --kubelet-cgroups=/
run kube-proxy $B/kube-proxy --kubeconfig=$K/admin.kubeconfig --hostname-override=$N --proxy-mode=iptables \
  --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
"""
STOP = """
for f in /run/rig-*.pid; do
  p=$(cat $f) && kill $p; for t in $(seq 15); do kill -0 $p 2>/dev/null || break; sleep .2; done; kill -9 $p; rm -f $f
done
for m in $(awk '$2 ~ "^/var/lib/kubelet" {print $2}' /proc/mounts | sort -r); do umount -l $m; done
for r in $(ip route | awk '/^198\\.18\\.[0-9.]+\\/24 via/ {print $1}'); do ip route del $r; done
rm -rf /var/lib/etcd-rig
"""


def source() -> Path | None:
    """Where the binaries are; None where they aren't."""
    named = os.environ.get("ASSAY_K8S_BIN")
    found = Path(named) if named else REPOSITORY.parent / "shared/lab/k8s/bin.tar.xz"
    return found if found.exists() else None


def why_not() -> str | None:
    if source() is None:
        return "no Kubernetes binaries (set ASSAY_K8S_BIN)"
    tools = ("etcd", "openssl", "curl", "kubectl", "iptables")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return f"missing: {', '.join(missing)} (see tests/rig/apt-packages.txt)" if missing else dockerd.why_not()


def kubeconfig(hosts: Hosts, user: str = "admin") -> Path:
    return hosts.folder / "k8s" / f"{user}.kubeconfig"


def kubectl(hosts: Hosts, *argv: str, check: bool = True) -> str:
    return call("kubectl", f"--kubeconfig={kubeconfig(hosts)}", *argv, check=check)


def up(hosts: Hosts) -> None:
    """Control plane, then workers, each with a dockerd and four fake GPUs."""
    folder, api = hosts.folder / "k8s", hosts.address(1)
    folder.mkdir(exist_ok=True)
    binaries = _binaries(folder)
    call("bash", "-c", CERTIFICATES.format(folder=folder, api=api, pods=PODS))
    (folder / "tokens.csv").write_text(USERS)
    tokens = {
        "admin": "admintoken",
        "bench": "benchtoken",
        **{f"node{number}": f"n{number}token" for number in WORKERS},
    }
    for user, token in tokens.items():
        kubeconfig(hosts, user).write_text(KUBECONFIG.format(api=api, folder=folder, token=token))
    hosts.run(1, "bash", "-c", RUN + HEAD.format(bin=binaries, folder=folder, api=api, pods=PODS))
    wait_for_port(api, 6443, what="kube-apiserver")
    image.build(hosts.folder / "image.tar")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda number: _worker(hosts, number, folder, binaries), WORKERS))
    # Addresses of pods that do not exist must fail here, not leave by the default route.
    call("ip", "route", "replace", "unreachable", f"{PODS}.0.0/15")


def _binaries(folder: Path) -> Path:
    found = source()
    assert found is not None
    target = folder / "bin"  # hosts see this folder, but not every other
    if found.is_dir():
        return Path(shutil.copytree(found, target))
    with tarfile.open(found) as archive:
        archive.extractall(target, members=[m for m in archive if Path(m.name).name in BINARIES], filter="data")
    return target


def _worker(hosts: Hosts, number: int, folder: Path, binaries: Path) -> None:
    dockerd.up(hosts, number)
    others = [other for other in WORKERS if other != number]
    routes = "\n".join(f"ip route replace {PODS}.{n}.0/24 via {NETWORK}.{10 + n}" for n in others)
    values = {"name": f"node{number}", "address": hosts.address(number), "routes": routes, "pods": PODS}
    hosts.run(number, "bash", "-c", RUN + WORKER.format(bin=binaries, folder=folder, **values))
    _join(hosts, number)


def _join(hosts: Hosts, number: int) -> None:
    """Wait for a worker, give it fake GPUs, and route its pods to it as a site's network would."""
    name = f"node{number}"
    deadline = time.monotonic() + 60
    while "True" not in kubectl(
        hosts, "get", "node", name, "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}", check=False
    ):
        if time.monotonic() > deadline:
            raise RuntimeError(hosts.run(number, "tail", "-20", "/var/log/kubelet.log"))
        time.sleep(0.3)
    give_gpus(hosts, number)
    kubectl(hosts, "label", "node", name, "nvidia.com/gpu.product=FAKE-H100", "--overwrite")
    call("ip", "route", "replace", f"{PODS}.{number}.0/24", "via", hosts.address(number), "dev", BRIDGE)


def give_gpus(hosts: Hosts, number: int) -> None:
    """Four fake GPUs. Plain curl, because kubectl 1.20 can't patch a status."""
    patch = '[{"op":"add","path":"/status/capacity/nvidia.com~1gpu","value":"4"}]'
    url = f"https://{hosts.address(1)}:6443/api/v1/nodes/node{number}/status"
    headers = ["-H", "Authorization: Bearer admintoken", "-H", "Content-Type: application/json-patch+json"]
    ca = str(hosts.folder / "k8s" / "ca.crt")
    call("curl", "-sf", "--noproxy", "*", "--cacert", ca, *headers, "-X", "PATCH", url, "-d", patch)


def down(hosts: Hosts) -> None:
    for number in (*WORKERS, 1):
        hosts.run(number, "bash", "-c", STOP, check=False)
        if number in WORKERS:
            dockerd.down(hosts, number)
            call("ip", "route", "del", f"{PODS}.{number}.0/24", check=False)
    call("ip", "route", "del", "unreachable", f"{PODS}.0.0/15", check=False)
