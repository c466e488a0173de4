"""`python -m assay.simulator`."""

import sys

from assay.simulator.main import main

sys.exit(main())
