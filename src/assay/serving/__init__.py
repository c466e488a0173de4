"""The words that engines and launchers share: nodes, servers, what is in them, and the control requests to them."""
