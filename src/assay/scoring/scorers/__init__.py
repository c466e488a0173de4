"""The scorers, one file a way of scoring; each registers itself by being here."""
