"""What is in a node, as its probe saw it; a part of `system.json`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AcceleratorFacts(_Model):
    """One accelerator. What the source doesn't tell is None."""

    index: int
    name: str
    uuid: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    driver_version: str | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    sm_clock_mhz: int | None = None
    sm_clock_max_mhz: int | None = None
    memory_clock_mhz: int | None = None
    utilization_percent: float | None = None
    ecc_enabled: bool | None = None
    ecc_uncorrected: int | None = Field(default=None, description="uncorrected errors since the driver was loaded")
    throttle_reasons: list[str] = Field(default_factory=list, description="reasons why clocks are held down now")
    mig_enabled: bool | None = None
    processes: int | None = Field(default=None, description="compute processes on it")


class NodeFacts(_Model):
    """One node."""

    name: str
    hostname: str = ""
    address: str = ""
    os: str = ""
    kernel: str = ""
    boot_id: str = Field(default="", description="of the kernel since it began: nodes with one are one machine")
    cpu_model: str = ""
    cpu_count: int = Field(default=0, description="CPUs that a process here may use")
    memory_total_bytes: int = 0
    memory_available_bytes: int = 0
    disk_free_bytes: int = Field(default=0, description="where servers keep their files")
    python_version: str = ""
    load_1m: float = 0.0
    cpu_governor: str | None = None
    cpu_energy: str = Field(default="", description="counters of CPU packages' energy, or why there are none")
    accelerator_source: str = Field(default="none", description="nvml, nvidia-smi, amd-smi or none")
    accelerators: list[AcceleratorFacts] = Field(default_factory=list)
    utc_ns: int = Field(default=0, description="the node's clock when it was asked")
    problems: list[str] = Field(default_factory=list, description="what the probe tried in vain")
    telemetry: str = Field(default="", description="what is sampled of it during runs, or why nothing is")

    @field_validator("accelerators", mode="before")
    @classmethod
    def _named_only(cls, value: Any) -> Any:
        """Early runs have accelerators' names alone."""
        if not isinstance(value, list):
            return value
        return [{"index": i, "name": item} if isinstance(item, str) else item for i, item in enumerate(value)]
