"""Searching through an engine's options: what may be tried, what is tried next, what the answer is written as."""
