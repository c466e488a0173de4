"""For all tests.

A shell without job control starts what it puts into the background with SIGINT ignored, and children inherit that.
Tests that interrupt assay need it as a terminal's user has it.
"""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
