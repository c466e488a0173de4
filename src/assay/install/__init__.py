"""How Assay gets onto machines, with a package index or without: bundles, nodes over SSH, Ansible's playbooks."""

from assay.install.bundle import Bundle, BundleContents, read_bundle, write_bundle
from assay.install.target import Target

__all__ = ["Bundle", "BundleContents", "Target", "read_bundle", "write_bundle"]
