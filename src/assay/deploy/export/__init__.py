"""The deployment as files that a site's own tools take: manifests, sbatch scripts, plain scripts."""

from assay.deploy.export.campaign_job import job_files
from assay.deploy.export.files import KINDS, ExportKind, export_files, write_files

__all__ = ["KINDS", "ExportKind", "export_files", "job_files", "write_files"]
