"""What Slurm's states and reasons mean for the user."""

from __future__ import annotations

import re

# https://slurm.schedmd.com/job_reason_codes.html
REASONS = {
    "Resources": "waiting for free nodes",
    "Priority": "other jobs come first",
    "ReqNodeNotAvail": "a node asked for by name is down, drained or reserved",
    "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions": (
        "the nodes that fit are down, drained or reserved"
    ),
    "PartitionTimeLimit": "cluster.time_limit is longer than the partition allows",
    "PartitionNodeLimit": "the partition doesn't allow this many nodes",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition is not active",
    "BadConstraints": "no node can satisfy constraint and gres",
    "JobHeldAdmin": "an administrator holds the job",
    "JobHeldUser": "the job is held (scontrol release)",
    "QOSMaxJobsPerUserLimit": "the QOS allows no more jobs of this user now",
    "AssocGrpGRES": "the account has used up its accelerators",
    "AssocMaxJobsLimit": "the account allows no more jobs now",
    "InvalidAccount": "the account doesn't exist",
    "InvalidQOS": "the QOS doesn't exist",
    "BeginTime": "its start time lies ahead",
    "None": "just submitted",
}
HOPELESS = {
    "PartitionTimeLimit",
    "PartitionNodeLimit",
    "BadConstraints",
    "InvalidAccount",
    "InvalidQOS",
    "JobHeldAdmin",
    "JobHeldUser",
}
STATES = {
    "NODE_FAIL": "its node failed (Slurm lost contact with it)",
    "TIMEOUT": "it reached cluster.time_limit",
    "OUT_OF_MEMORY": "it ran out of the memory that the job may use (cluster.memory)",
    "CANCELLED": "somebody cancelled the job",
    "PREEMPTED": "a job of higher priority took its place",
    "BOOT_FAIL": "its node did not boot",
    "DEADLINE": "the job's deadline passed",
    "FAILED": "the server failed",
    "COMPLETED": "the server ended",
    "REVOKED": "the job was revoked",
    "SUSPENDED": "the job is suspended",
    "STOPPED": "the job is stopped",
}
RUNNING = {"RUNNING", "CONFIGURING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT"}
WAITING = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}


def reason_in_words(reason: str) -> str:
    """A pending job's reason, Slurm's own word kept in brackets."""
    key = reason.strip().split(",")[0]
    return f"{REASONS[key]} ({key})" if key in REASONS else f"Slurm says: {reason.strip()}"


def end_in_words(state: str, exit_code: str) -> str:
    """Why a job ended; `exit_code` as Slurm writes it, code:signal."""
    word = state.split()[0].rstrip("+")
    text = STATES.get(word, f"Slurm says: {state}")
    code = re.fullmatch(r"(\d+):(\d+)", exit_code.strip())
    if word in ("FAILED", "COMPLETED") and code:
        text += f" with exit code {code[1]}" + (f", signal {code[2]}" if code[2] != "0" else "")
    return f"{text} ({word})"
