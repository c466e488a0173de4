"""The hot path: LoadGen in a process of its own, the router, the workers with their connections, and the ledger."""
