"""The command line: one short file a command; what they print, and their exit codes."""
