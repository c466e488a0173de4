"""Campaigns: the list of runs that answers a question, planned, carried out, resumed."""
