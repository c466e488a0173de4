"""A real Slurm over hosts of the rig: node1 controls, node2 and node3 compute with four fake GPUs each."""

from __future__ import annotations

import shutil
import time

from tests.rig.hosts import Hosts

CONFIG = """
ClusterName=rig
SlurmctldHost=node1
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurmctld.log
SlurmdLogFile=/var/log/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1
KillWait=2
SlurmdTimeout=5
MessageTimeout=5
GresTypes=gpu
NodeName=node[2-3] CPUs=4 RealMemory=8000 Gres=gpu:h100:4 State=UNKNOWN
PartitionName=gpu Nodes=node[2-3] Default=YES MaxTime=03:00:00 State=UP OverSubscribe=NO
"""
ACCOUNTING = """
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=node1
AccountingStorageTRES=gres/gpu
"""
DATABASE = """
AuthType=auth/munge
DbdHost=node1
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
LogFile=/var/log/slurmdbd.log
PidFile=/run/slurmdbd.pid
"""
COMMON = """
set -e
mkdir -p /etc/slurm; cp {folder}/slurm.conf {folder}/gres.conf /etc/slurm/
if [ ! -s /run/munge/m.pid ]; then
  install -m400 {folder}/munge.key /run/mungekey; mkdir -p /run/munge /run/mlog
  munged --force --key-file=/run/mungekey --log-file=/run/mlog/m.log --pid-file=/run/munge/m.pid \
    --seed-file=/run/mlog/seed --socket=/run/munge/munge.socket.2
fi
"""
HEAD = "mkdir -p /var/spool/slurmctld; slurmctld"
HEAD_ACCOUNTING = """
mkdir -p /run/mysqld /var/lib/mysql-rig; chown mysql /run/mysqld /var/lib/mysql-rig
mariadb-install-db --user=mysql --datadir=/var/lib/mysql-rig --auth-root-authentication-method=socket >/dev/null 2>&1
setsid mariadbd --user=mysql --datadir=/var/lib/mysql-rig --socket=/run/mysqld/mysqld.sock \
  --pid-file=/run/mysqld/rig.pid --skip-networking --innodb-buffer-pool-size=64M >/var/log/mariadb.log 2>&1 </dev/null &
for t in $(seq 75); do mariadb -e 'select 1' >/dev/null 2>&1 && break; sleep .2; done
mariadb -e "create user slurm@localhost identified by 'slurm'; grant all on slurm_acct_db.* to slurm@localhost"
install -m600 {folder}/slurmdbd.conf /etc/slurm/slurmdbd.conf; slurmdbd
for t in $(seq 50); do sacctmgr -in list cluster >/dev/null 2>&1 && break; sleep .2; done
sacctmgr -i add cluster rig >/dev/null 2>&1
"""
WORKER = """
mkdir -p /var/spool/slurmd
for g in 0 1 2 3; do [ -e /run/fakegpu$g ] || mknod /run/fakegpu$g c 1 3; done
slurmd
"""
STOP = """
for f in /run/slurmd.pid /run/slurmctld.pid /run/slurmdbd.pid /run/mysqld/rig.pid /run/munge/m.pid; do
  [ -s $f ] || continue
  p=$(cat $f); kill $p; for t in $(seq 50); do kill -0 $p 2>/dev/null || break; sleep .1; done
  kill -9 $p 2>/dev/null; rm -f $f
done
rm -rf /var/lib/mysql-rig /var/spool/slurmctld /var/spool/slurmd
"""


def why_not(accounting: bool) -> str | None:
    tools = ["slurmctld", "slurmd", "munged", *(["slurmdbd", "mariadbd"] if accounting else [])]
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return f"missing: {', '.join(missing)} (see tests/rig/apt-packages.txt)" if missing else None


def up(hosts: Hosts, accounting: bool) -> None:
    folder = hosts.folder / "slurm"
    folder.mkdir(exist_ok=True)
    (folder / "slurm.conf").write_text(CONFIG + (ACCOUNTING if accounting else ""))
    (folder / "gres.conf").write_text("NodeName=node[2-3] Name=gpu Type=h100 File=/run/fakegpu[0-3]\n")
    (folder / "slurmdbd.conf").write_text(DATABASE)
    (folder / "slurmdbd.conf").chmod(0o600)
    (folder / "munge.key").write_bytes(bytes(range(256)) * 4)
    common = COMMON.format(folder=folder)
    head = (HEAD_ACCOUNTING.format(folder=folder) if accounting else "") + HEAD
    hosts.run(1, "bash", "-c", common + head)
    for number in (2, 3):
        hosts.run(number, "bash", "-c", common + WORKER)
    deadline = time.monotonic() + 30
    while hosts.run(1, "sinfo", "-h", "-N", "-o", "%T", check=False).split() != ["idle", "idle"]:
        if time.monotonic() > deadline:
            raise RuntimeError(hosts.run(1, "bash", "-c", "sinfo -N -l; tail -5 /var/log/slurmctld.log", check=False))
        time.sleep(0.2)


def down(hosts: Hosts) -> None:
    for number in (3, 2, 1):
        hosts.run(number, "bash", "-c", STOP, check=False)
