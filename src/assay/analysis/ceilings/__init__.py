"""What a model can do at most on given accelerators: tables of both, upper bounds, and the share of them used."""

from assay.analysis.ceilings.bounds import (
    Ceilings,
    Hardware,
    Utilisation,
    Workload,
    ceilings,
    combine,
    sample_flops,
    utilisation,
)
from assay.analysis.ceilings.tables import (
    Accelerator,
    ModelShape,
    accelerators,
    custom_accelerator,
    find_accelerator,
    find_model,
    model_names,
    precision_of,
    read_model_config,
)

__all__ = [
    "Accelerator",
    "Ceilings",
    "Hardware",
    "ModelShape",
    "Utilisation",
    "Workload",
    "accelerators",
    "ceilings",
    "combine",
    "custom_accelerator",
    "find_accelerator",
    "find_model",
    "model_names",
    "precision_of",
    "read_model_config",
    "sample_flops",
    "utilisation",
]
