"""Readers that turn files into evidence: run folders, campaigns, LoadGen logs, results trees, claims files."""
