"""The rig: real hosts, schedulers and daemons on one Linux machine, for the tests of launchers."""
