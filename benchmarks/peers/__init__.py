"""The clients that benchmarks/client.py compares, and what it needs to measure them."""
